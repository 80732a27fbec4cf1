/** Random sequences of requests: mostly sensible ones on one or two resources, so that they get somewhere, with bad ones between. */
import fc from 'fast-check';
import type { Json, JsonObject } from '../conformance/raw-http.js';
import { metadata } from './fields.js';
import type { Change } from './fields.js';
import { changed, toJsonPatch, toPatch } from './changes.js';
import type { Setting } from './changes.js';
import { goodObject, resources } from './resources.js';
import type { FuzzedResource } from './resources.js';
import { placeholders } from './step.js';
import type { Step } from './step.js';

export type Sequence = readonly Step[];

type Draw<T> = fc.Arbitrary<T>;

const pick = <const T>(...values: readonly T[]): Draw<T> => fc.constantFrom(...values);
const often = <T>(weight: number, arbitrary: Draw<T>): fc.WeightedArbitrary<T> => ({ weight, arbitrary });
const someName = fc.oneof(
  often(12, pick('a')),
  often(5, pick('b')),
  often(1, pick(placeholders.generatedName)),
);

/** The `index`th sequence of a seed, the same each time. */
export function sequenceOf(seed: number): Sequence {
  const [sequence = []] = fc.sample(anySequence, { seed, numRuns: 1, unbiased: true });
  return sequence;
}

const anySequence: Draw<Sequence> = fc
  .shuffledSubarray([...resources], { minLength: 1, maxLength: 2 })
  .chain((chosen) =>
    fc
      .tuple(
        fc.tuple(...chosen.map(beginning)),
        fc.array(fc.oneof(...chosen.map(anyStep)), { minLength: 6, maxLength: 11, size: 'max' }),
      )
      .map(([beginnings, more]) => [...beginnings.flat(), ...more]),
  );

/** Mostly there is an object to begin with. */
function beginning(resource: FuzzedResource): Draw<Sequence> {
  const good = step(resource, 'create', 'POST', { body: goodObject(resource, 'a') });
  const sensible = fc.constantFrom(
    [good],
    [good],
    [good, step(resource, 'create', 'POST', { body: goodObject(resource, 'b') })],
    [],
  );
  return fc.oneof(
    often(4, sensible),
    often(1, fc.tuple(create(resource))),
    often(1, fc.tuple(apply(resource))),
  );
}

function anyStep(resource: FuzzedResource): Draw<Step> {
  const has = (subresource: 'status' | 'scale'): boolean => resource.subresources.includes(subresource);
  return fc.oneof(
    often(20, create(resource)),
    often(12, update(resource)),
    often(9, mergePatch(resource)),
    often(7, jsonPatch(resource)),
    often(resource.custom ? 1 : 7, strategicPatch(resource)),
    often(14, apply(resource)),
    often(3, read(resource)),
    often(8, list(resource)),
    often(9, remove(resource)),
    often(3, removeCollection(resource)),
    often(3, oddity(resource)),
    ...(has('status') ? [often(9, writeStatus(resource))] : []),
    ...(has('scale') ? [often(6, scale(resource))] : []),
  );
}

interface Parts {
  readonly name?: string;
  readonly subresource?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: Json;
}

function step(resource: FuzzedResource, verb: string, method: string, parts: Parts): Step {
  return { verb, method, resource: resource.plural, name: '', subresource: '', query: {}, ...parts };
}

const contentTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Present in `of` of a hundred. */
const maybe = <T>(of: number, arbitrary: Draw<T>): Draw<T | undefined> =>
  fc.oneof(often(100 - of, fc.constant(undefined)), often(of, arbitrary));

function defined<T>(record: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== undefined),
  );
}

const query = (of: Record<string, Draw<string | undefined>>): Draw<Record<string, string>> =>
  fc.record(of).map(defined);

const dryRun = maybe(8, fc.oneof(often(9, pick('All')), often(1, pick('Bad'))));
const writeQuery = query({
  dryRun,
  fieldValidation: maybe(
    22,
    fc.oneof(
      often(7, pick('Strict')),
      often(4, pick('Ignore')),
      often(2, pick('Warn')),
      often(1, pick('Bad')),
    ),
  ),
  fieldManager: maybe(35, fc.oneof(often(12, pick('m1', 'm2')), often(1, pick('', 'x'.repeat(129))))),
});

function settingOf(changes: readonly Change[]): Draw<Setting> {
  return fc
    .constantFrom(...changes)
    .chain(({ path, values }) => fc.constantFrom(...values).map((value) => ({ path, value })));
}

/** Mostly of the kind's own fields, at times of the metadata. */
function settings(
  own: readonly Change[],
  { min, max }: { min: number; max: number },
): Draw<readonly Setting[]> {
  const one =
    own.length === 0
      ? settingOf(metadata)
      : fc.oneof(often(3, settingOf(own)), often(2, settingOf(metadata)));
  return fc.array(one, { minLength: min, maxLength: max });
}

function create(resource: FuzzedResource): Draw<Step> {
  const identity = fc.oneof(
    often(12, pick<JsonObject>({ name: 'a' })),
    often(5, pick<JsonObject>({ name: 'b' })),
    often(1, pick<JsonObject>({ name: 'Bad_Name' }, { name: '' }, {}, { name: 'x'.repeat(254) })),
    often(
      2,
      pick<JsonObject>(
        { generateName: 'gen-' },
        { generateName: 'Bad_z' },
        { name: 'a', generateName: 'gen-' },
      ),
    ),
  );
  return fc
    .tuple(identity, settings(resource.changes, { min: 0, max: 3 }), writeQuery)
    .map(([identity, chosen, query]) => {
      const good = { ...goodObject(resource, ''), metadata: identity };
      return step(resource, 'create', 'POST', { query, body: changed(good, chosen) });
    });
}

const version = fc.oneof(
  often(6, pick<JsonObject>({ resourceVersion: placeholders.version })),
  often(3, pick<JsonObject>({})),
  often(2, pick<JsonObject>({ resourceVersion: placeholders.staleVersion })),
);

function update(resource: FuzzedResource): Draw<Step> {
  return fc
    .tuple(someName, version, settings(resource.changes, { min: 0, max: 3 }), writeQuery)
    .map(([name, version, chosen, query]) => {
      const good = { ...goodObject(resource, name), metadata: { name, ...version } };
      return step(resource, 'update', 'PUT', { name, query, body: changed(good, chosen) });
    });
}

function mergePatch(resource: FuzzedResource): Draw<Step> {
  return fc
    .tuple(someName, settings(resource.changes, { min: 1, max: 3 }), writeQuery)
    .map(([name, chosen, query]) =>
      step(resource, 'merge patch', 'PATCH', {
        name,
        query,
        contentType: contentTypes.merge,
        body: toPatch(chosen),
      }),
    );
}

function jsonPatch(resource: FuzzedResource): Draw<Step> {
  const operations = pick('add', 'add', 'replace', 'replace', 'remove', 'test', 'move', 'copy', 'unknown');
  const settingsOfPatch = settings(resource.changes, { min: 1, max: 3 });
  return fc
    .tuple(someName, settingsOfPatch, fc.array(operations, { minLength: 3, maxLength: 3 }), writeQuery)
    .map(([name, chosen, operations, query]) =>
      step(resource, 'json patch', 'PATCH', {
        name,
        query,
        contentType: contentTypes.json,
        body: toJsonPatch(chosen, operations),
      }),
    );
}

const directives: readonly Setting[] = [
  { path: ['metadata', 'labels'], value: { $patch: 'replace', tier: 'r' } },
  { path: ['metadata', 'annotations'], value: { $patch: 'delete' } },
  { path: ['metadata', '$deleteFromPrimitiveList/finalizers'], value: ['example.com/stay'] },
  { path: ['metadata', 'finalizers'], value: ['example.com/too'] },
];
const podDirectives: readonly Setting[] = [
  { path: ['containers'], value: [{ name: 'side', image: 'side:1' }] },
  { path: ['containers'], value: [{ name: 'main', image: 'image:3' }] },
  { path: ['containers'], value: [{ name: 'side', $patch: 'delete' }] },
  { path: ['containers'], value: [{ $patch: 'replace' }, { name: 'only', image: 'only:1' }] },
  { path: ['$setElementOrder/containers'], value: [{ name: 'side' }, { name: 'main' }] },
];

function directivesFor(resource: FuzzedResource): readonly Setting[] {
  if (resource.plural === 'pods') return [...directives, ...within(['spec'])];
  if (['deployments', 'jobs'].includes(resource.plural)) {
    return [...directives, ...within(['spec', 'template', 'spec'])];
  }
  return directives;
}

function within(prefix: readonly string[]): readonly Setting[] {
  return podDirectives.map(({ path, value }) => ({ path: [...prefix, ...path], value }));
}

/** A list that is both written and deleted from: the real server takes now one first, now the other. */
function isUndecided({ path }: Setting, directives: readonly Setting[]): boolean {
  const written = path.at(-1) ?? '';
  return directives.some((directive) => directive.path.at(-1) === `$deleteFromPrimitiveList/${written}`);
}

function strategicPatch(resource: FuzzedResource): Draw<Step> {
  const directive = fc.array(fc.constantFrom(...directivesFor(resource)), { maxLength: 1 });
  return fc
    .tuple(someName, settings(resource.changes, { min: 0, max: 2 }), directive, writeQuery)
    .map(([name, chosen, directive, query]) =>
      step(resource, 'strategic patch', 'PATCH', {
        name,
        query,
        contentType: contentTypes.strategic,
        body: toPatch([...chosen.filter((setting) => !isUndecided(setting, directive)), ...directive]),
      }),
    );
}

const applyQuery = query({
  dryRun: maybe(5, pick('All')),
  force: maybe(35, fc.oneof(often(5, pick('true')), often(1, pick('false')))),
  fieldValidation: maybe(8, pick('Strict', 'Ignore')),
  fieldManager: fc.oneof(often(40, pick<string | undefined>('m1', 'm2', 'm3')), often(1, pick(undefined))),
});

/** An empty map or list that was applied to a custom resource's metadata stays in the store unseen, and goes with the next write. */
function isKeptEmpty({ custom }: FuzzedResource, { path, value }: Setting): boolean {
  return custom && path[0] === 'metadata' && ['{}', '[]', 'null'].includes(JSON.stringify(value));
}

function apply(resource: FuzzedResource): Draw<Step> {
  const whole = fc.boolean();
  const chosenOf = settings(resource.changes, { min: 0, max: 3 });
  const subresource = fc.oneof(
    often(8, pick('')),
    often(resource.subresources.includes('status') ? 1 : 0, pick('status')),
  );
  return fc
    .tuple(someName, whole, chosenOf, applyQuery, subresource)
    .map(([name, whole, all, query, subresource]) => {
      const chosen = all.filter((setting) => !isKeptEmpty(resource, setting));
      const { apiVersion, kind, metadata } = goodObject(resource, name);
      const content = whole ? goodObject(resource, name) : defined({ apiVersion, kind, metadata });
      return step(resource, 'apply', 'PATCH', {
        name,
        subresource,
        query,
        contentType: contentTypes.apply,
        body: changed(content, chosen),
      });
    });
}

function read(resource: FuzzedResource): Draw<Step> {
  return fc
    .tuple(someName, fc.oneof(often(4, pick('')), often(1, pick('status', 'scale'))))
    .map(([name, subresource]) => step(resource, 'get', 'GET', { name, subresource }));
}

const labelSelectors = [
  'tier',
  '!tier',
  'tier=x',
  'tier!=x',
  'tier in (x,y)',
  'tier notin (x)',
  'tier=x,app=a',
  'app=a',
  'tier>1',
  'tier in (',
  'bad key=x',
  '=x',
];

function selectors(resource: FuzzedResource): Record<string, Draw<string | undefined>> {
  return {
    labelSelector: maybe(35, pick(...labelSelectors)),
    fieldSelector: maybe(20, pick(...resource.fieldSelectors)),
  };
}

function list(resource: FuzzedResource): Draw<Step> {
  const place = fc.oneof(
    often(10, pick<Record<string, string>>({})),
    often(6, pick<Record<string, string>>({ limit: '1' }, { limit: '2' })),
    often(3, pick<Record<string, string>>({ limit: '1', continue: placeholders.continueToken })),
    often(1, pick<Record<string, string>>({ limit: 'x' }, { limit: '-1' }, { limit: '1', continue: 'bad' })),
    often(
      2,
      pick<Record<string, string>>(
        { resourceVersion: placeholders.version, resourceVersionMatch: 'Exact' },
        { resourceVersion: placeholders.version, resourceVersionMatch: 'Bad' },
        { resourceVersionMatch: 'Exact' },
        { resourceVersion: 'abc' },
      ),
    ),
  );
  return fc
    .tuple(query(selectors(resource)), place)
    .map(([selected, place]) => step(resource, 'list', 'GET', { query: { ...selected, ...place } }));
}

const deleteOptions = fc.oneof(
  often(8, pick<JsonObject | undefined>(undefined, {})),
  often(
    6,
    pick<JsonObject | undefined>(
      { propagationPolicy: 'Background' },
      { propagationPolicy: 'Foreground' },
      { propagationPolicy: 'Orphan' },
      { orphanDependents: true },
      { orphanDependents: false },
    ),
  ),
  often(
    6,
    pick<JsonObject | undefined>(
      { preconditions: { uid: placeholders.uid } },
      { preconditions: { resourceVersion: placeholders.version } },
      { preconditions: { resourceVersion: placeholders.staleVersion } },
      { preconditions: { uid: 'other' } },
    ),
  ),
  often(
    2,
    pick<JsonObject | undefined>({ gracePeriodSeconds: 0 }, { gracePeriodSeconds: 5 }, { dryRun: ['All'] }),
  ),
  often(
    1,
    pick<JsonObject | undefined>(
      { propagationPolicy: 'Bad' },
      { propagationPolicy: 'Orphan', orphanDependents: true },
      { gracePeriodSeconds: -1 },
      { unknown: 1 },
      { kind: 'Other', apiVersion: 'v1' },
      { dryRun: ['Bad'] },
    ),
  ),
);

const deleteQuery = {
  dryRun: maybe(4, pick('All')),
  propagationPolicy: maybe(6, pick('Foreground', 'Orphan', 'Bad')),
};

const withOptions = (options: JsonObject | undefined): Parts =>
  options === undefined ? {} : { body: options };

function remove(resource: FuzzedResource): Draw<Step> {
  return fc
    .tuple(someName, deleteOptions, query(deleteQuery))
    .map(([name, options, query]) =>
      step(resource, 'delete', 'DELETE', { name, query, ...withOptions(options) }),
    );
}

function removeCollection(resource: FuzzedResource): Draw<Step> {
  return fc
    .tuple(deleteOptions, query({ ...selectors(resource), ...deleteQuery }))
    .map(([options, query]) =>
      step(resource, 'deletecollection', 'DELETE', { query, ...withOptions(options) }),
    );
}

function writeStatus(resource: FuzzedResource): Draw<Step> {
  const mostlyStatus = settings(
    [...resource.statusChanges, ...resource.statusChanges, ...metadata.slice(0, 5)],
    {
      min: 1,
      max: 2,
    },
  );
  return fc
    .tuple(someName, version, mostlyStatus, writeQuery, pick('PUT', 'merge', 'strategic'))
    .map(([name, version, chosen, query, how]) => {
      const parts = { name, subresource: 'status', query };
      if (how === 'PUT') {
        const good = { ...goodObject(resource, name), metadata: { name, ...version } };
        return step(resource, 'status', 'PUT', { ...parts, body: changed(good, chosen) });
      }
      return step(resource, 'status', 'PATCH', {
        ...parts,
        contentType: contentTypes[resource.custom || how === 'merge' ? 'merge' : 'strategic'],
        body: toPatch(chosen),
      });
    });
}

function scale(resource: FuzzedResource): Draw<Step> {
  const replicas = fc.oneof(often(6, pick<Json>(0, 2, 3)), often(1, pick<Json>(-1, 11, 'x', null)));
  return fc
    .tuple(someName, replicas, version, writeQuery, pick('GET', 'PUT', 'PATCH'))
    .map(([name, replicas, version, query, method]) => {
      const parts = { name, subresource: 'scale' };
      const spec = { replicas };
      if (method === 'GET') return step(resource, 'scale', method, parts);
      if (method === 'PATCH') {
        return step(resource, 'scale', method, {
          ...parts,
          query,
          contentType: contentTypes.merge,
          body: { spec },
        });
      }
      const body = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name, ...version }, spec };
      return step(resource, 'scale', method, { ...parts, query, body });
    });
}

/** Requests that no sensible client sends. */
function oddity(resource: FuzzedResource): Draw<Step> {
  const body = goodObject(resource, 'a');
  const odd = (method: string, parts: Parts): Step => step(resource, 'oddity', method, parts);
  return pick(
    odd('POST', { body: 'no json' }),
    odd('POST', { body: '' }),
    odd('POST', { body: '[]' }),
    odd('POST', { body: 'null' }),
    odd('POST', { body, contentType: 'text/plain' }),
    odd('POST', { body, name: 'a' }),
    odd('PUT', { body }),
    odd('PUT', { body: { ...body, metadata: { name: 'b' } }, name: 'a' }),
    odd('PUT', { body: '{}', name: 'a' }),
    odd('PATCH', { body: {}, name: 'a' }),
    odd('PATCH', { body: '[]', name: 'a', contentType: contentTypes.merge }),
    odd('PATCH', { body: {}, name: 'a', contentType: contentTypes.json }),
    odd('PATCH', { body: 'no json', name: 'a', contentType: contentTypes.merge }),
    odd('PATCH', { body: {}, contentType: contentTypes.merge }),
    odd('GET', { name: 'a', subresource: 'nothing' }),
    odd('PUT', { body, name: 'a', subresource: 'nothing' }),
    odd('POST', { body: { ...body, metadata: { name: 'a', namespace: 'elsewhere' } } }),
  );
}
