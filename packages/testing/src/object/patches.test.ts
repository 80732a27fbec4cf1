import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deepEqual } from './equal.js';
import { hasKey, isJsonObject } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { applyJsonPatch } from './json-patch.js';
import { applyMergePatch } from './merge-patch.js';
import { schemaFor } from './schema.js';
import { StatusError } from './status.js';
import { applyStrategicMergePatch } from './strategic-merge.js';

function failureOf(action: () => unknown): { readonly code: number; readonly message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return { code: error.status.code, message: error.status.message };
    throw error;
  }
  throw new Error('expected a failure');
}

const unprocessable = {
  code: 422,
  message: 'the server rejected our request due to an error in our request',
};

describe('a JSON patch', () => {
  const document = { metadata: { name: 'a', finalizers: ['x', 'y'] }, data: { x: '1', 'a/b~c': '2' } };

  test.each<readonly [string, Json, Json]>([
    ['adds a key', [{ op: 'add', path: '/data/n', value: '3' }], { x: '1', 'a/b~c': '2', n: '3' }],
    [
      'replaces a key that is not there',
      [{ op: 'replace', path: '/data/n', value: '3' }],
      { x: '1', 'a/b~c': '2', n: '3' },
    ],
    ['removes an escaped key', [{ op: 'remove', path: '/data/a~1b~0c' }], { x: '1' }],
    ['moves', [{ op: 'move', from: '/data/x', path: '/data/y' }], { 'a/b~c': '2', y: '1' }],
    ['copies', [{ op: 'copy', from: '/data/x', path: '/data/-' }], { x: '1', 'a/b~c': '2', '-': '1' }],
    ['takes a missing value for null', [{ op: 'add', path: '/data/k' }], { x: '1', 'a/b~c': '2', k: null }],
    [
      'passes a test for null on a missing key',
      [{ op: 'test', path: '/data/nn', value: null }],
      document.data,
    ],
    ['does nothing if it is null', null, document.data],
  ])('%s', (_claim, patch, data) => {
    expect(applyJsonPatch(document, patch)).toEqual({ ...document, data });
  });

  test('inserts into lists, appends with a dash, and counts from the end with a negative index', () => {
    const patch = [
      { op: 'add', path: '/metadata/finalizers/1', value: 'b' },
      { op: 'add', path: '/metadata/finalizers/-', value: 'c' },
      { op: 'remove', path: '/metadata/finalizers/-2' },
    ];
    expect(applyJsonPatch(document, patch)).toMatchObject({ metadata: { finalizers: ['x', 'b', 'c'] } });
  });

  test('walks through a list from its end', () => {
    const patch = [{ op: 'add', path: '/list/-1/a', value: 1 }];
    expect(applyJsonPatch({ list: [{}, {}] }, patch)).toEqual({ list: [{}, { a: 1 }] });
  });

  test.each<readonly [string, Json]>([
    ['a failing test', [{ op: 'test', path: '/data/x', value: '2' }]],
    ['removal of a missing key', [{ op: 'remove', path: '/data/zz' }]],
    ['a path through a missing key', [{ op: 'add', path: '/foo/y', value: 1 }]],
    ['an index behind the end', [{ op: 'replace', path: '/metadata/finalizers/2', value: 'z' }]],
    ['an unknown operation', [{ op: 'bad', path: '/data/x' }]],
    ['a path without a slash', [{ op: 'add', path: 'data', value: 1 }]],
    ['removal of the whole document', [{ op: 'remove', path: '' }]],
    [
      'a test that fails after a change',
      [
        { op: 'remove', path: '/data/x' },
        { op: 'test', path: '/data/x', value: '1' },
      ],
    ],
  ])('is refused for %s', (_claim, patch) => {
    expect(failureOf(() => applyJsonPatch(document, patch))).toEqual(unprocessable);
  });

  test('that is no list of operations is a bad request', () => {
    expect(failureOf(() => applyJsonPatch(document, { op: 'x' }))).toEqual({
      code: 400,
      message:
        'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    });
  });

  test('leaves the document as it was', () => {
    const before = structuredClone(document);
    applyJsonPatch(document, [{ op: 'add', path: '/metadata/finalizers/-', value: 'z' }]);
    expect(document).toEqual(before);
  });

  test('treats __proto__ as a key like any other', () => {
    const patched = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

/** Without nulls in maps, which no merge patch can set. */
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.oneof(fc.string(), fc.integer())),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value;
const document: fc.Arbitrary<JsonObject> = fc.dictionary(fc.string({ maxLength: 2 }), json, { maxKeys: 5 });

function mergePatchBetween(before: JsonObject, after: JsonObject): JsonObject {
  const patch: MutableJsonObject = {};
  const put = (key: string, value: Json): void => {
    Object.defineProperty(patch, key, { value, enumerable: true, configurable: true, writable: true });
  };
  for (const key of Object.keys(before)) if (!hasKey(after, key)) put(key, null);
  for (const [key, value] of Object.entries(after)) {
    const old = hasKey(before, key) ? (before[key] ?? null) : undefined;
    if (old !== undefined && deepEqual(old, value)) continue;
    put(key, isJsonObject(old) && isJsonObject(value) ? mergePatchBetween(old, value) : value);
  }
  return patch;
}

describe('a merge patch', () => {
  test('of the difference between two documents makes the one out of the other', () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        expect(deepEqual(applyMergePatch(before, mergePatchBetween(before, after)), after)).toBe(true);
      }),
    );
  });

  test('applied twice does what it does once', () => {
    fc.assert(
      fc.property(document, document, (before, patch) => {
        const once = applyMergePatch(before, patch);
        expect(deepEqual(applyMergePatch(once, patch), once)).toBe(true);
      }),
    );
  });

  test('drops nulls inside new values, and lists are replaced whole', () => {
    const patched = applyMergePatch(
      { list: [1, 2] },
      { list: [3], fresh: { a: null, b: [{ c: null, d: 1 }] } },
    );
    expect(patched).toEqual({ list: [3], fresh: { b: [{ d: 1 }] } });
  });

  test.each<readonly [Json, string]>([
    [null, 'Invalid JSON Patch'],
    [
      'x',
      'error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}',
    ],
    [[], 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ])('%j is a bad request', (patch, message) => {
    expect(failureOf(() => applyMergePatch({}, patch))).toEqual({ code: 400, message });
  });
});

describe('a strategic merge patch', () => {
  const pod = schemaFor({ group: '', version: 'v1', kind: 'Pod' }) ?? {};
  const deployment = schemaFor({ group: 'apps', version: 'v1', kind: 'Deployment' }) ?? {};
  const live = {
    metadata: { name: 'p', finalizers: ['a', 'b'], labels: { x: '1' } },
    spec: {
      containers: [
        { name: 'a', image: 'a:1', args: ['1'] },
        { name: 'b', image: 'b:1', env: [{ name: 'E', value: '1' }] },
      ],
    },
  };
  const containersAfter = (containers: Json): Json | undefined => {
    const { spec } = applyStrategicMergePatch(live, { spec: { containers } }, pod);
    return isJsonObject(spec) ? spec['containers'] : undefined;
  };
  const [a, b] = live.spec.containers;

  test('merges containers by name and replaces lists that have no key', () => {
    expect(containersAfter([{ name: 'a', args: ['2', '3'] }])).toEqual([{ ...a, args: ['2', '3'] }, b]);
  });

  test('merges lists inside the items of a list', () => {
    const env = [{ name: 'F', value: '2' }];
    expect(containersAfter([{ name: 'b', env }])).toEqual([a, { ...b, env: [...env, ...(b?.env ?? [])] }]);
  });

  test('deletes an item with $patch: delete', () => {
    expect(containersAfter([{ name: 'a', $patch: 'delete' }])).toEqual([b]);
  });

  test('replaces a whole list with $patch: replace', () => {
    expect(containersAfter([{ $patch: 'replace' }, { name: 'c' }])).toEqual([{ name: 'c' }]);
  });

  test('orders a list by $setElementOrder and keeps what the patch does not know where it stood', () => {
    const patch = {
      spec: {
        '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }],
        containers: [{ name: 'c', image: 'c:1' }],
      },
    };
    const { spec } = applyStrategicMergePatch(live, patch, pod);
    expect(spec).toEqual({ containers: [{ name: 'c', image: 'c:1' }, a, b] });
  });

  test('merges lists of scalars as sets and deletes from them', () => {
    const add = applyStrategicMergePatch(live, { metadata: { finalizers: ['c'] } }, pod);
    expect(add).toMatchObject({ metadata: { finalizers: ['c', 'a', 'b'] } });
    const remove = applyStrategicMergePatch(
      live,
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
      pod,
    );
    expect(remove).toMatchObject({ metadata: { finalizers: ['b'] } });
  });

  test('keeps only the keys of $retainKeys', () => {
    const before = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(applyStrategicMergePatch(before, patch, deployment)).toEqual({
      spec: { strategy: { type: 'Recreate' } },
    });
  });

  test('replaces or empties a map with $patch', () => {
    const replace = { metadata: { labels: { $patch: 'replace', y: '2' } } };
    expect(applyStrategicMergePatch(live, replace, pod)).toMatchObject({ metadata: { labels: { y: '2' } } });
    expect(applyStrategicMergePatch(live, { metadata: { labels: { $patch: 'delete' } } }, pod)).toMatchObject(
      {
        metadata: { labels: {} },
      },
    );
  });

  test.each<readonly [Json, number, string]>([
    [{ metadata: { $patch: 'foo' } }, 500, 'unknown patch type: foo in map: map[$patch:foo]'],
    [{ metadata: { $patch: 5 } }, 500, 'unknown patch type: %!s(int64=5) in map: map[$patch:5]'],
    [{ metadata: { $retainKeys: 'foo' } }, 400, 'invalid patch format of retainKeys'],
    [
      { metadata: { '$setElementOrder/finalizers': 'foo' } },
      500,
      'expected a []interface {}, but received a string',
    ],
    [
      { spec: { containers: [{ image: 'x' }] } },
      500,
      'map: map[image:x] does not contain declared merge key: name',
    ],
    ['x', 400, 'json: cannot unmarshal string into Go value of type map[string]interface {}'],
  ])('%j is refused', (patch, code, message) => {
    expect(failureOf(() => applyStrategicMergePatch(live, patch, pod))).toEqual({ code, message });
  });
});
