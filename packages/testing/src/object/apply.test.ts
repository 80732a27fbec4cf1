import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { serverSideApply, trackUpdate } from './apply.js';
import type { Writer } from './apply.js';
import { isJsonArray, isJsonObject, textOf, valueAt } from './json.js';
import type { Json, JsonObject } from './json.js';
import { customResourceSchema, schemaFor } from './schema.js';
import type { Schema } from './schema.js';
import { StatusError } from './status.js';
import type { Status } from './status.js';

const thing: Schema = customResourceSchema({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        atomic: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          additionalProperties: { type: 'string' },
        },
        list: { type: 'array', items: { type: 'string' } },
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          items: {
            type: 'object',
            required: ['port'],
            properties: {
              port: { type: 'integer' },
              protocol: { type: 'string', default: 'TCP' },
              name: { type: 'string' },
            },
          },
        },
        free: { 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' } } },
  },
});

const writer = (manager: string, now = '2026-01-01T00:00:00Z'): Writer => ({
  manager,
  subresource: '',
  now,
  apiVersion: 'example.dev/v1',
  schema: thing,
  resetFields: [['status']],
});

const object = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'example.dev/v1',
  kind: 'Thing',
  metadata: { name: 't', ...metadata },
  spec,
});

interface Options {
  readonly force?: boolean;
  readonly now?: string;
}

function apply(
  live: JsonObject | undefined,
  manager: string,
  spec: JsonObject,
  options: Options = {},
): JsonObject {
  const { force = false, now } = options;
  return serverSideApply({ ...writer(manager, now), live, applied: object(spec), force }).object;
}

function update(before: JsonObject | undefined, manager: string, after: JsonObject): JsonObject {
  return trackUpdate({ ...writer(manager), before, after });
}

function entries(of: JsonObject): readonly JsonObject[] {
  const found = valueAt(of, 'metadata', 'managedFields');
  return isJsonArray(found) ? found.filter(isJsonObject) : [];
}

/** What a manager owns, by operation. */
function owned(of: JsonObject): Record<string, Json> {
  return Object.fromEntries(
    entries(of).map((entry) => [
      `${textOf(entry['manager'])} ${textOf(entry['operation'])}`,
      entry['fieldsV1'] ?? null,
    ]),
  );
}

function failureOf(action: () => unknown): Status {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  throw new Error('expected a failure');
}

describe('a create or update', () => {
  test('owns what it set, with the keys of list items and the values of sets', () => {
    const created = update(
      undefined,
      'm',
      object({ size: 1, list: ['a'], set: ['b'], ports: [{ port: 80, protocol: 'TCP' }] }),
    );
    expect(owned(created)).toEqual({
      'm Update': {
        'f:spec': {
          '.': {},
          'f:list': {},
          'f:ports': {
            '.': {},
            'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} },
          },
          'f:set': { '.': {}, 'v:"b"': {} },
          'f:size': {},
        },
      },
    });
  });

  test('writes an entry as the wire has it', () => {
    expect(entries(update(undefined, 'm', object({ size: 1 })))).toEqual([
      {
        manager: 'm',
        operation: 'Update',
        apiVersion: 'example.dev/v1',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { '.': {}, 'f:size': {} } },
      },
    ]);
  });

  test('of a built-in kind does not own the structs that are always there', () => {
    const schema = schemaFor({ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' }) ?? {};
    const after = { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 4 } };
    const created = trackUpdate({ ...writer('m'), schema, before: undefined, after });
    expect(owned(created)).toEqual({ 'm Update': { 'f:spec': { 'f:leaseDurationSeconds': {} } } });
  });

  test('takes a field from its owner when it changes it, and only then', () => {
    const live = apply(undefined, 'a', { size: 1, list: ['x'] });
    const after = update(live, 'u', { ...live, spec: { size: 2, list: ['x'] } });
    expect(owned(after)).toEqual({
      'a Apply': { 'f:spec': { 'f:list': {} } },
      'u Update': { 'f:spec': { 'f:size': {} } },
    });
  });

  test('that changes nothing leaves the entries and their times alone', () => {
    const live = update(undefined, 'u', object({ size: 1 }));
    expect(trackUpdate({ ...writer('v', '2027-01-01T00:00:00Z'), before: live, after: live })).toEqual(live);
  });

  test('through a subresource has an entry of its own', () => {
    const live = update(undefined, 'u', object({ size: 1 }));
    const after = trackUpdate({
      ...writer('u'),
      subresource: 'status',
      resetFields: [['metadata'], ['spec']],
      before: live,
      after: { ...live, status: { phase: 'Ready' } },
    });
    expect(entries(after).map(({ subresource, fieldsV1 }) => [subresource, fieldsV1])).toEqual([
      [undefined, { 'f:spec': { '.': {}, 'f:size': {} } }],
      ['status', { 'f:status': { '.': {}, 'f:phase': {} } }],
    ]);
  });

  test('does not start to track an object that nobody tracked before', () => {
    const live = object({ size: 1 });
    expect(update(live, 'u', object({ size: 2 }))).toEqual(object({ size: 2 }));
  });

  test('with an empty managedFields forgets all owners', () => {
    const live = update(undefined, 'u', object({ size: 1 }));
    expect(entries(update(live, 'u', object({ size: 2 }, { managedFields: [] })))).toEqual([]);
  });

  test('merges the oldest of more than ten updaters', () => {
    let live = update(undefined, 'm0', object({ free: { k0: 0 } }));
    for (let index = 1; index <= 11; index += 1) {
      const free = Object.fromEntries(Array.from({ length: index + 1 }, (_, key) => [`k${key}`, key]));
      live = trackUpdate({
        ...writer(`m${index}`, `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`),
        before: live,
        after: { ...live, spec: { free } },
      });
    }
    expect(entries(live)).toHaveLength(10);
    expect(owned(live)['ancient-changes Update']).toMatchObject({
      'f:spec': { 'f:free': { 'f:k0': {}, 'f:k1': {}, 'f:k2': {} } },
    });
  });
});

describe('an apply', () => {
  test('removes what it applied before and leaves out now', () => {
    const live = apply(undefined, 'a', { size: 1, set: ['x', 'y'], atomic: { k: '1' } });
    const after = apply(live, 'a', { set: ['y'] });
    expect(after['spec']).toEqual({ set: ['y'] });
    expect(owned(after)).toEqual({ 'a Apply': { 'f:spec': { 'f:set': { 'v:"y"': {} } } } });
  });

  test('keeps what another manager owns too', () => {
    const shared = apply(apply(undefined, 'a', { size: 1 }), 'b', { size: 1 });
    const after = apply(shared, 'a', { list: [] });
    expect(after['spec']).toEqual({ size: 1, list: [] });
    expect(owned(after)).toEqual({
      'a Apply': { 'f:spec': { 'f:list': {} } },
      'b Apply': { 'f:spec': { 'f:size': {} } },
    });
  });

  test('merges lists by key, with the defaults of missing keys, in the order of the configuration', () => {
    const live = update(
      undefined,
      'u',
      object({
        ports: [
          { port: 1, protocol: 'TCP' },
          { port: 2, protocol: 'TCP' },
          { port: 3, protocol: 'UDP' },
        ],
      }),
    );
    const after = apply(live, 'a', {
      ports: [{ port: 3, protocol: 'UDP', name: 'c' }, { port: 1, name: 'a' }, { port: 9 }],
    });
    expect(after['spec']).toEqual({
      ports: [
        { port: 2, protocol: 'TCP' },
        { port: 3, protocol: 'UDP', name: 'c' },
        { port: 1, protocol: 'TCP', name: 'a' },
        { port: 9 },
      ],
    });
  });

  test('replaces atomic maps and lists whole', () => {
    const live = apply(undefined, 'a', { atomic: { k: '1' }, list: ['x', 'y'] });
    expect(apply(live, 'a', { atomic: { l: '2' }, list: ['z'] })['spec']).toEqual({
      atomic: { l: '2' },
      list: ['z'],
    });
  });

  test('fails with a cause for each field that another manager set to another value', () => {
    const live = update(apply(undefined, 'a', { size: 1 }), 'u', object({ size: 1, list: ['x'] }));
    expect(failureOf(() => apply(live, 'b', { size: 2, list: ['y'] }))).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.size\nconflicts with "u" using example.dev/v1:\n- .spec.list',
      reason: 'Conflict',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.spec.size' },
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "u" using example.dev/v1',
            field: '.spec.list',
          },
        ],
      },
      code: 409,
    });
  });

  test('names one conflict in one line, list items by their keys', () => {
    const live = apply(undefined, 'a', { ports: [{ port: 1, name: 'a' }] });
    const { message } = failureOf(() => apply(live, 'b', { ports: [{ port: 1, name: 'b' }] }));
    expect(message).toBe(
      'Apply failed with 1 conflict: conflict with "a": .spec.ports[port=1,protocol="TCP"].name',
    );
  });

  test('takes conflicting fields over if forced', () => {
    const after = apply(apply(undefined, 'a', { size: 1, list: ['x'] }), 'b', { size: 2 }, { force: true });
    expect(after['spec']).toEqual({ size: 2, list: ['x'] });
    expect(owned(after)).toEqual({
      'a Apply': { 'f:spec': { 'f:list': {} } },
      'b Apply': { 'f:spec': { 'f:size': {} } },
    });
  });

  test('that changes only ownership writes an entry without a time', () => {
    const after = apply(
      apply(undefined, 'a', { size: 1 }),
      'b',
      { size: 1 },
      { now: '2027-01-01T00:00:00Z' },
    );
    expect(entries(after).map(({ manager, time }) => [manager, time])).toEqual([
      ['b', undefined],
      ['a', '2026-01-01T00:00:00Z'],
    ]);
  });

  test('to an object that nobody tracked gives its fields to before-first-apply', () => {
    const after = apply(object({ size: 1, list: ['x'] }), 'a', { size: 1 });
    expect(owned(after)).toEqual({
      'a Apply': { 'f:spec': { 'f:size': {} } },
      'before-first-apply Update': { 'f:spec': { '.': {}, 'f:list': {}, 'f:size': {} } },
    });
  });

  test('of a map over a list of no fixed type owns what is in the map', () => {
    const live = update(undefined, 'u', object({ free: [1, 2] }));
    const after = update(live, 'u', object({ free: { q: 1 } }));
    expect(owned(after)).toMatchObject({ 'u Update': { 'f:spec': { 'f:free': { '.': {}, 'f:q': {} } } } });
  });

  test('does not touch its inputs', () => {
    const live = apply(undefined, 'a', { size: 1, set: ['x'] });
    const before = structuredClone(live);
    apply(live, 'a', { set: ['y'] });
    expect(live).toEqual(before);
  });

  test.each<readonly [string, JsonObject, number, string]>([
    ['an unknown field', object({ foo: 1 }), 500, '.spec.foo: field not declared in schema'],
    ['a wrong type', object({ size: 'x' }), 500, '.spec.size: expected numeric (int or float), got string'],
    ['a scalar for a list', object({ set: 5 }), 500, '.spec.set: expected list, got &{5}'],
    ['the same item twice', object({ set: ['a', 'a'] }), 500, '.spec.set: duplicate entries for key [="a"]'],
    [
      'several errors',
      object({ size: 'x', foo: 1 }),
      500,
      'errors:\n  .spec.foo: field not declared in schema\n  .spec.size: expected numeric (int or float), got string',
    ],
  ])('is refused for %s', (_claim, applied, code, problem) => {
    const status = failureOf(() =>
      serverSideApply({ ...writer('a'), live: undefined, applied, force: false }),
    );
    expect(status.code).toBe(code);
    expect(status.message).toBe(
      `failed to create typed patch object (/t; example.dev/v1, Kind=Thing): ${problem}`,
    );
  });

  test('is refused if it brings managedFields along', () => {
    const applied = object({}, { managedFields: [] });
    const status = failureOf(() =>
      serverSideApply({ ...writer('a'), live: undefined, applied, force: false }),
    );
    expect([status.code, status.message]).toEqual([400, 'metadata.managedFields must be nil']);
  });

  const spec: fc.Arbitrary<JsonObject> = fc
    .record(
      {
        size: fc.integer({ min: 0, max: 3 }),
        atomic: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')),
        set: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
        ports: fc.uniqueArray(
          fc.record({ port: fc.integer({ min: 1, max: 3 }), name: fc.constantFrom('x', 'y') }),
          {
            selector: ({ port }) => port,
            minLength: 1,
          },
        ),
      },
      { requiredKeys: ['size'] },
    )
    .map((value): JsonObject => ({ ...value }));

  test('applied twice does what it does once', () => {
    fc.assert(
      fc.property(spec, spec, spec, (first, second, third) => {
        const live = apply(apply(undefined, 'a', first), 'b', second, { force: true });
        const once = apply(live, 'a', third, { force: true });
        expect(apply(once, 'a', third, { now: '2027-01-01T00:00:00Z' })).toEqual(once);
      }),
    );
  });

  test('leaves all that the other manager applied when it applies next to nothing', () => {
    fc.assert(
      fc.property(spec, spec, (first, second) => {
        const both = apply(apply(undefined, 'a', first), 'b', second, { force: true });
        const after = apply(both, 'a', { list: ['z'] });
        expect(owned(after)['b Apply']).toEqual(owned(both)['b Apply']);
        expect(after['spec']).toEqual({ ...second, list: ['z'] });
      }),
    );
  });
});
