import { expect, test } from '@jest/globals';
import { defined } from './definitions.js';
import { causesOf, configMap, coreV1, failure, lease, leases, metaOf, patchTypes, shown } from './objects.js';
import type { JsonObject, RawAnswer } from './raw-http.js';
import { describeOnServers } from './servers.js';

const deployments = (ns: string, name?: string): string =>
  `/apis/apps/v1/namespaces/${ns}/deployments${name === undefined ? '' : `/${name}`}`;

function deployment(name: string, containers: readonly object[], spec: object = {}): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: { metadata: { labels: { app: 'a' } }, spec: { containers } },
      ...spec,
    },
  } as JsonObject;
}

const containersOf = (object: JsonObject): readonly JsonObject[] => {
  const { template } = object['spec'] as { template: { spec: { containers: JsonObject[] } } };
  return template.spec.containers;
};

/** Who owns what, as `manager operation`. */
function owners(object: JsonObject): Record<string, unknown> {
  const entries = (metaOf(object)['managedFields'] ?? []) as readonly Record<string, string>[];
  return Object.fromEntries(
    entries.map(({ manager = '', operation = '', fieldsV1 }) => [`${manager} ${operation}`, fieldsV1]),
  );
}

describeOnServers('patches', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);

  const given = async (data: object = { k: 'v' }): Promise<{ ns: string; path: string }> => {
    const ns = await server.namespace();
    const created = await call('POST', coreV1(ns, 'configmaps'), { body: configMap('a', { data }) });
    expect(created.status).toBe(201);
    return { ns, path: coreV1(ns, 'configmaps', 'a') };
  };
  const patch = async (
    type: keyof typeof patchTypes,
    path: string,
    body: object | string,
  ): Promise<RawAnswer> => call('PATCH', path, { body, contentType: patchTypes[type] });
  const apply = async (path: string, manager: string, body: object, query = ''): Promise<RawAnswer> =>
    patch('apply', `${path}?fieldManager=${manager}${query}`, body);

  for (const [operations, data] of [
    [[{ op: 'add', path: '/data/n', value: 'x' }], { k: 'v', n: 'x' }],
    [[{ op: 'add', path: '/data/k', value: 'x' }], { k: 'x' }],
    [[{ op: 'replace', path: '/data/k', value: 'x' }], { k: 'x' }],
    [[{ op: 'replace', path: '/data/absent', value: 'x' }], { k: 'v', absent: 'x' }],
    [[{ op: 'remove', path: '/data/k' }], undefined],
    [[{ op: 'move', from: '/data/k', path: '/data/n' }], { n: 'v' }],
    [[{ op: 'copy', from: '/data/k', path: '/data/n' }], { k: 'v', n: 'v' }],
    [
      [
        { op: 'test', path: '/data/k', value: 'v' },
        { op: 'replace', path: '/data/k', value: 'x' },
      ],
      { k: 'x' },
    ],
    [
      [
        { op: 'add', path: '/data/a~0b', value: 'x' },
        { op: 'move', from: '/data/a~0b', path: '/data/ab' },
      ],
      { k: 'v', ab: 'x' },
    ],
    [[{ op: 'add', path: '/data/a.b', value: 'x' }], { k: 'v', 'a.b': 'x' }],
    [[], { k: 'v' }],
  ] as const) {
    test(`JSON patch ${JSON.stringify(operations)} leaves ${JSON.stringify(data ?? 'nothing')}`, async () => {
      const { path } = await given();
      const answer = await patch('json', path, operations as unknown as object);
      expect(answer.status).toBe(200);
      expect(answer.body['data']).toEqual(data);
    });
  }

  for (const [claim, operations] of [
    ['a test that fails', [{ op: 'test', path: '/data/k', value: 'other' }]],
    ['a test of a key that is not there', [{ op: 'test', path: '/data/absent', value: 'x' }]],
    ['a path to nowhere', [{ op: 'add', path: '/absent/k', value: 'x' }]],
    ['a removal of what is not there', [{ op: 'remove', path: '/data/absent' }]],
    ['an operation that is none', [{ op: 'frobnicate', path: '/data/k' }]],
    [
      'a second operation that fails',
      [
        { op: 'add', path: '/data/n', value: 'x' },
        { op: 'remove', path: '/x' },
      ],
    ],
  ] as const) {
    test(`JSON patch with ${claim}: 422 without details, nothing is changed`, async () => {
      const { path } = await given();
      const answer = await patch('json', path, operations as unknown as object);
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({
        reason: 'Invalid',
        details: {},
        message: 'the server rejected our request due to an error in our request',
      });
      expect((await call('GET', path)).body['data']).toEqual({ k: 'v' });
    });
  }

  test('a JSON patch that is no list: 400', async () => {
    const { path } = await given();
    const answer = await patch('json', path, {});
    expect(answer.body).toEqual(
      failure(
        400,
        'BadRequest',
        'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
      ),
    );
  });

  test('a JSON patch that tests the resourceVersion holds only for that version', async () => {
    const { path } = await given();
    const { resourceVersion } = metaOf((await call('GET', path)).body);
    const operations = [
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'add', path: '/data/n', value: '1' },
    ];
    expect((await patch('json', path, operations)).status).toBe(200);
    expect((await patch('json', path, operations)).status).toBe(422);
  });

  for (const [body, data] of [
    [{ data: { n: 'x' } }, { k: 'v', n: 'x' }],
    [{ data: { k: null } }, undefined],
    [{ data: null }, undefined],
    [{ data: { k: 'x' } }, { k: 'x' }],
    [{}, { k: 'v' }],
  ] as const) {
    test(`merge patch ${JSON.stringify(body)} leaves ${JSON.stringify(data ?? 'nothing')}`, async () => {
      const { path } = await given();
      const answer = await patch('merge', path, body);
      expect(answer.status).toBe(200);
      expect(answer.body['data']).toEqual(data);
    });
  }

  for (const type of ['merge', 'strategic', 'json'] as const) {
    test(`a ${type} patch that is no JSON: 400`, async () => {
      const { path } = await given();
      const answer = await patch(type, path, '{');
      expect(answer.status).toBe(400);
    });
  }

  test('a merge patch with a stale resourceVersion: 409; without one it succeeds whatever happened', async () => {
    const ns = await server.namespace();
    const path = leases(ns, 'l');
    const { body } = await call('POST', leases(ns), { body: lease('l') });
    await patch('merge', path, { spec: { holderIdentity: 'b' } });
    const stale = {
      metadata: { resourceVersion: metaOf(body).resourceVersion },
      spec: { holderIdentity: 'c' },
    };
    expect((await patch('merge', path, stale)).status).toBe(409);
    expect((await patch('merge', path, { spec: { holderIdentity: 'd' } })).status).toBe(200);
  });

  test('a patch that changes nothing keeps the resourceVersion', async () => {
    const { path } = await given();
    const before = metaOf((await call('GET', path)).body).resourceVersion;
    for (const type of ['merge', 'strategic'] as const) {
      expect(metaOf((await patch(type, path, { data: { k: 'v' } })).body).resourceVersion).toBe(before);
    }
  });

  test('a patch may not rename: 400', async () => {
    const { path } = await given();
    expect((await patch('merge', path, { metadata: { name: 'b' } })).status).toBe(400);
  });

  test('a patch with a value of the wrong type: 422 at "patch" for a merge patch', async () => {
    const { path } = await given();
    const answer = await patch('merge', path, { data: { k: 1 } });
    expect(answer.status).toBe(422);
    expect(causesOf(answer.body)).toMatchObject([{ field: 'patch', reason: 'FieldValueInvalid' }]);
  });

  test('a body with a patch’s fields but no patch’s type: 415', async () => {
    const { path } = await given();
    for (const contentType of ['application/json', 'text/plain']) {
      const answer = await call('PATCH', path, { body: {}, contentType });
      expect(answer.status).toBe(415);
    }
  });

  for (const [claim, body, names] of [
    [
      'merges the containers by name, new ones first',
      { containers: [{ name: 'b', image: 'i2' }] },
      'b=i2 a=i1',
    ],
    ['changes the image of one container', { containers: [{ name: 'a', image: 'i9' }] }, 'a=i9'],
    [
      'deletes a container where it says so',
      {
        containers: [
          { name: 'a', $patch: 'delete' },
          { name: 'c', image: 'i3' },
        ],
      },
      'c=i3',
    ],
    [
      'replaces the list where it says so',
      { containers: [{ $patch: 'replace' }, { name: 'z', image: 'i4' }] },
      'z=i4',
    ],
    [
      'orders the list where it says so',
      {
        $setElementOrder$: 0,
        '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }],
        containers: [{ name: 'b', image: 'i2' }],
      },
      'a=i1 b=i2',
    ],
  ] as const) {
    test(`a strategic merge patch ${claim}`, async () => {
      const ns = await server.namespace();
      await call('POST', deployments(ns), { body: deployment('d', [{ name: 'a', image: 'i1' }]) });
      const { $setElementOrder$: _, ...spec } = body as Record<string, unknown>;
      const answer = await patch('strategic', deployments(ns, 'd'), { spec: { template: { spec } } });
      expect(answer.status).toBe(200);
      const found = containersOf(answer.body).map((one) => `${shown(one['name'])}=${shown(one['image'])}`);
      expect(found.join(' ')).toBe(names);
    });
  }

  test('a merge patch replaces the containers whole', async () => {
    const ns = await server.namespace();
    await call('POST', deployments(ns), { body: deployment('d', [{ name: 'a', image: 'i1' }]) });
    const answer = await patch('merge', deployments(ns, 'd'), {
      spec: { template: { spec: { containers: [{ name: 'b', image: 'i2' }] } } },
    });
    expect(containersOf(answer.body).map((one) => one['name'])).toEqual(['b']);
  });

  test('finalizers are a set for a strategic merge patch, items can be deleted by value', async () => {
    const { path } = await given();
    await patch('strategic', path, { metadata: { finalizers: ['a.example/x'] } });
    const two = await patch('strategic', path, { metadata: { finalizers: ['a.example/y'] } });
    expect([...(metaOf(two.body)['finalizers'] as string[])].sort()).toEqual(['a.example/x', 'a.example/y']);
    const one = await patch('strategic', path, {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['a.example/x'] },
    });
    expect(metaOf(one.body)['finalizers']).toEqual(['a.example/y']);
  });

  test('an apply creates what is not there: 201, owned by the one who applies', async () => {
    const ns = await server.namespace();
    const answer = await apply(coreV1(ns, 'configmaps', 'a'), 'me', configMap('a', { data: { k: 'v' } }));
    expect(answer.status).toBe(201);
    expect(metaOf(answer.body)['managedFields']).toEqual([
      {
        manager: 'me',
        operation: 'Apply',
        apiVersion: 'v1',
        time: expect.any(String),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:k': {} } },
      },
    ]);
  });

  test('an apply without a field manager: 422', async () => {
    const ns = await server.namespace();
    const answer = await patch('apply', coreV1(ns, 'configmaps', 'a'), configMap('a'));
    expect(answer.status).toBe(422);
    expect(causesOf(answer.body)).toEqual([
      {
        reason: 'FieldValueRequired',
        message: 'Required value: is required for apply patch',
        field: 'fieldManager',
      },
    ]);
  });

  test('force without an apply: 422', async () => {
    const { path } = await given();
    const answer = await patch('merge', `${path}?force=true`, {});
    expect(answer.status).toBe(422);
    expect(causesOf(answer.body)).toMatchObject([{ reason: 'FieldValueForbidden', field: 'force' }]);
  });

  test('what a manager applied and leaves out is removed, what others own stays', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await apply(path, 'one', configMap('a', { data: { a: '1', b: '1' } }));
    await apply(path, 'two', configMap('a', { data: { b: '1', c: '1' } }));
    const answer = await apply(path, 'one', configMap('a'));
    expect(answer.body['data']).toEqual({ b: '1', c: '1' });
    expect(owners(answer.body)).toEqual({ 'two Apply': { 'f:data': { 'f:b': {}, 'f:c': {} } } });
  });

  test('a field that another manager applied with another value: 409 with a cause for each', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await apply(path, 'one', configMap('a', { data: { a: '1', b: '1' } }));
    const answer = await apply(path, 'two', configMap('a', { data: { a: '2', b: '2' } }));
    expect(answer.body).toEqual(
      failure(409, 'Conflict', 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b', {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' },
          { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.b' },
        ],
      }),
    );
  });

  test('a field that an update wrote: the conflict names the writer and the version', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await call('POST', `${coreV1(ns, 'configmaps')}?fieldManager=writer`, {
      body: configMap('a', { data: { a: '1' } }),
    });
    const answer = await apply(path, 'two', configMap('a', { data: { a: '2' } }));
    expect(answer.body['message']).toMatch(
      /^Apply failed with 1 conflict: conflict with "writer" using v1(?: at \S+)?: \.data\.a$/,
    );
  });

  test('force takes the field over', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await apply(path, 'one', configMap('a', { data: { a: '1', b: '1' } }));
    const answer = await apply(path, 'two', configMap('a', { data: { a: '2' } }), '&force=true');
    expect(answer.status).toBe(200);
    expect(owners(answer.body)).toEqual({
      'one Apply': { 'f:data': { 'f:b': {} } },
      'two Apply': { 'f:data': { 'f:a': {} } },
    });
  });

  test('two managers may own one field with one value', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await apply(path, 'one', configMap('a', { data: { a: '1' } }));
    const answer = await apply(path, 'two', configMap('a', { data: { a: '1' } }));
    expect(answer.status).toBe(200);
    expect(Object.keys(owners(answer.body)).sort()).toEqual(['one Apply', 'two Apply']);
  });

  test('an apply that changes only ownership raises the version and writes an entry without a time', async () => {
    const { ns, path } = await given();
    const before = metaOf((await call('GET', path)).body);
    const answer = await apply(path, 'me', configMap('a', { data: { k: 'v' } }));
    expect(metaOf(answer.body).resourceVersion).not.toBe(before.resourceVersion);
    const entries = metaOf(answer.body)['managedFields'] as readonly JsonObject[];
    expect(entries.find((entry) => entry['manager'] === 'me')).not.toHaveProperty('time');
    const from = `?watch=1&resourceVersion=${before.resourceVersion}`;
    const events = await server.http.watch(`${coreV1(ns, 'configmaps')}${from}`, 1);
    expect(events).toMatchObject([{ type: 'MODIFIED' }]);
  });

  test('the same apply again changes nothing', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    const body = configMap('a', { data: { a: '1' }, metadata: { labels: { l: 'x' } } });
    const first = await apply(path, 'me', body);
    const second = await apply(path, 'me', body);
    expect(second.body).toEqual(first.body);
  });

  test('an update takes ownership of what it changes from the one who applied it', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await apply(path, 'one', configMap('a', { data: { a: '1', b: '1' } }));
    const answer = await patch('merge', `${path}?fieldManager=writer`, { data: { a: '2' } });
    expect(owners(answer.body)).toEqual({
      'one Apply': { 'f:data': { 'f:b': {} } },
      'writer Update': { 'f:data': { 'f:a': {} } },
    });
  });

  test('containers are merged by name, each field with its owner', async () => {
    const ns = await server.namespace();
    const path = deployments(ns, 'd');
    await apply(path, 'one', deployment('d', [{ name: 'a', image: 'i1' }]));
    const sidecar = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { template: { spec: { containers: [{ name: 'b', image: 'i2' }] } } },
    };
    const answer = await apply(path, 'two', sidecar);
    expect(containersOf(answer.body).map((one) => one['name'])).toEqual(['a', 'b']);
    expect(owners(answer.body)['two Apply']).toEqual({
      'f:spec': {
        'f:template': {
          'f:spec': { 'f:containers': { 'k:{"name":"b"}': { '.': {}, 'f:image': {}, 'f:name': {} } } },
        },
      },
    });
    const conflict = await apply(path, 'two', {
      ...sidecar,
      spec: { template: { spec: { containers: [{ name: 'a', image: 'i9' }] } } },
    });
    expect(causesOf(conflict.body)).toMatchObject([
      { field: '.spec.template.spec.containers[name="a"].image' },
    ]);
    const gone = await apply(path, 'two', { ...sidecar, spec: {} });
    expect(containersOf(gone.body).map((one) => one['name'])).toEqual(['a']);
  });

  for (const [claim, body, message] of [
    ['an unknown field', { foo: 1 }, '.foo: field not declared in schema'],
    ['a wrong type', { data: 'x' }, '.data: expected map, got &{x}'],
  ] as const) {
    test(`an apply with ${claim}: 500, failed to create typed patch object`, async () => {
      const ns = await server.namespace();
      const answer = await apply(coreV1(ns, 'configmaps', 'a'), 'me', { ...configMap('a'), ...body });
      expect(answer.status).toBe(500);
      expect(answer.body['message']).toBe(
        `failed to create typed patch object (/a; /v1, Kind=ConfigMap): ${message}`,
      );
    });
  }

  test('an apply with managedFields: 400', async () => {
    const ns = await server.namespace();
    const body = configMap('a', { metadata: { managedFields: [] } });
    const answer = await apply(coreV1(ns, 'configmaps', 'a'), 'me', body);
    expect(answer.body).toMatchObject({ code: 400, message: 'metadata.managedFields must be nil' });
  });

  test('an apply of another kind than the path’s: 400', async () => {
    const ns = await server.namespace();
    const answer = await apply(coreV1(ns, 'configmaps', 'a'), 'me', { ...configMap('a'), kind: 'Secret' });
    expect(answer.status).toBe(400);
  });

  test('an apply with a stale resourceVersion: 409; with the uid of another object: 422', async () => {
    const { path } = await given();
    const before = metaOf((await call('GET', path)).body).resourceVersion;
    await patch('merge', path, { data: { k: '2' } });
    const stale = configMap('a', { metadata: { resourceVersion: before } });
    expect((await apply(path, 'me', stale)).status).toBe(409);
    const other = configMap('a', { metadata: { uid: '00000000-0000-4000-8000-000000000000' } });
    expect((await apply(path, 'me', other)).status).toBe(422);
  });

  test('managedFields can be emptied, and are then left alone', async () => {
    const { path } = await given();
    const answer = await patch('merge', path, { metadata: { managedFields: [{}] } });
    expect(metaOf(answer.body)['managedFields']).toBeUndefined();
  });

  test('an empty list of rules is stored as none, and owned by the one who wrote it', async () => {
    const ns = await server.namespace();
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles`;
    const body = { metadata: { name: 'r' }, rules: [] };
    const answer = await call('POST', `${roles}?fieldManager=me`, { body });
    expect(answer.body['rules']).toBeNull();
    expect(owners(answer.body)).toEqual({ 'me Update': { 'f:rules': {} } });
    const without = await call('POST', roles, { body: { metadata: { name: 's' } } });
    expect(owners(without.body)).toEqual({});
  });

  const typed = defined(server, 'types', {
    type: 'object',
    properties: {
      set: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      atomic: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'atomic' },
      whole: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
      keyed: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: {
          type: 'object',
          required: ['k'],
          properties: { k: { type: 'string' }, v: { type: 'string' } },
        },
      },
    },
  });

  for (const [field, first, second, merged] of [
    ['set', ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']],
    [
      'keyed',
      [{ k: 'a', v: '1' }],
      [{ k: 'b', v: '2' }],
      [
        { k: 'a', v: '1' },
        { k: 'b', v: '2' },
      ],
    ],
  ] as const) {
    test(`of a custom resource, a list of type ${field} is merged`, async () => {
      const resource = await typed();
      const ns = await server.namespace();
      const path = resource.path(ns, 'o');
      await apply(path, 'one', resource.body('o', { spec: { [field]: first } }));
      const answer = await apply(path, 'two', resource.body('o', { spec: { [field]: second } }));
      expect(answer.body['spec']).toEqual({ [field]: merged });
    });
  }

  for (const [field, first, second] of [
    ['atomic', ['a'], ['b']],
    ['whole', { a: '1' }, { b: '1' }],
  ] as const) {
    test(`of a custom resource, a field of type ${field} has one owner`, async () => {
      const resource = await typed();
      const ns = await server.namespace();
      const path = resource.path(ns, 'o');
      await apply(path, 'one', resource.body('o', { spec: { [field]: first } }));
      const answer = await apply(path, 'two', resource.body('o', { spec: { [field]: second } }));
      expect(causesOf(answer.body)).toMatchObject([{ field: `.spec.${field}` }]);
    });
  }

  test('a custom resource takes no strategic merge patch: 415', async () => {
    const resource = await typed();
    const ns = await server.namespace();
    await resource.create(ns, 'o');
    expect((await patch('strategic', resource.path(ns, 'o'), {})).status).toBe(415);
  });

  for (const [claim, text, warnings] of [
    [
      'a field that comes twice',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"a":"1","a":"2"},"data":{"b":"1"}}',
      ['duplicate field "data.a"', 'duplicate field "data"'],
    ],
    [
      'an unknown field',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"x":1}',
      ['unknown field "x"'],
    ],
  ] as const) {
    test(`${claim} is a warning, and under Strict a 400`, async () => {
      const ns = await server.namespace();
      const strict = await call('POST', `${coreV1(ns, 'configmaps')}?fieldValidation=Strict`, { body: text });
      expect(strict.body).toEqual(
        failure(
          400,
          'BadRequest',
          `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${warnings.join(', ')}`,
        ),
      );
      const warned = await call('POST', coreV1(ns, 'configmaps'), { body: text });
      expect(warned.status).toBe(201);
      expect(warned.headers['warning']).toBe(
        warnings.map((one) => `299 - "${one.replaceAll('"', String.raw`\"`)}"`).join(', '),
      );
    });
  }

  test('of a built-in kind, a field that comes twice is read into one', async () => {
    const ns = await server.namespace();
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"a":"1"},"data":{"b":"1"}}';
    expect((await call('POST', coreV1(ns, 'configmaps'), { body })).body['data']).toEqual({ a: '1', b: '1' });
  });

  for (const [type, body, warning] of [
    ['merge', '{"data":{"x":"1"},"data":{"y":"2"}}', 'duplicate field "data"'],
    ['strategic', '{"data":{"x":"1"},"data":{"y":"2"}}', 'duplicate field "data"'],
    ['json', '[{"op":"add","op":"add","path":"/data/y","value":"2"}]', 'json patch duplicate field "[0].op"'],
    ['json', '[{"op":"add","foo":"","path":"/data/y","value":"2"}]', 'json patch unknown field "[0].foo"'],
  ] as const) {
    test(`in a ${type} patch: ${warning}; the last one counts, under Strict it is a 422`, async () => {
      const { path } = await given();
      const strict = await patch(type, `${path}?fieldValidation=Strict`, body);
      expect(strict.status).toBe(422);
      expect(causesOf(strict.body)[0]?.['message']).toContain(`strict decoding error: ${warning}`);
      const warned = await patch(type, path, body);
      expect(warned.body['data']).toEqual({ k: 'v', y: '2' });
      expect(warned.headers['warning']).toBe(`299 - "${warning.replaceAll('"', String.raw`\"`)}"`);
    });
  }
});
