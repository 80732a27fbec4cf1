import { expect, test } from '@jest/globals';
import { CustomResource, defined, definition, definitions, until } from './definitions.js';
import { causesOf, failure, metaOf, namesOf, patchTypes, shown } from './objects.js';
import type { JsonObject, RawAnswer } from './raw-http.js';
import { describeOnServers } from './servers.js';

const checked = {
  type: 'object',
  required: ['must'],
  properties: {
    must: { type: 'string' },
    text: { type: 'string', minLength: 2, maxLength: 4, pattern: '^[a-z]+$' },
    count: { type: 'integer', minimum: 1, maximum: 5 },
    amount: { type: 'number', exclusiveMinimum: true, minimum: 0, multipleOf: 0.5 },
    choice: { type: 'string', enum: ['A', 'B'] },
    flag: { type: 'boolean' },
    list: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string' } },
    map: { type: 'object', minProperties: 1, additionalProperties: { type: 'integer' } },
    time: { type: 'string', format: 'date-time' },
    either: { 'x-kubernetes-int-or-string': true },
    nullable: { type: 'string', nullable: true },
    one: {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    set: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    keyed: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } } },
    },
  },
};

const filled = {
  type: 'object',
  default: {},
  properties: {
    replicas: { type: 'integer', default: 3 },
    nested: {
      type: 'object',
      properties: { a: { type: 'string', default: 'x' }, b: { type: 'string' } },
    },
    list: {
      type: 'array',
      items: { type: 'object', properties: { p: { type: 'integer', default: 1 }, q: { type: 'string' } } },
    },
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    half: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { inner: { type: 'object', properties: { known: { type: 'string' } } } },
    },
    nul: { type: 'string', default: 'd' },
    able: { type: 'string', default: 'd', nullable: true },
    template: {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      'x-kubernetes-preserve-unknown-fields': true,
    },
  },
};

describeOnServers('custom resource definitions', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);
  const checkedOnes = defined(server, 'checks', checked);
  const filledOnes = defined(server, 'fills', filled);
  const full = defined(
    server,
    'fulls',
    {},
    {
      version: {
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        },
        additionalPrinterColumns: [
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', description: 'how many' },
          { name: 'Phase', type: 'string', jsonPath: '.status.phase', priority: 1 },
          { name: 'Born', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        selectableFields: [{ jsonPath: '.spec.color' }],
      },
      schema: {
        type: 'object',
        properties: {
          spec: { type: 'object', properties: { replicas: { type: 'integer' }, color: { type: 'string' } } },
          status: {
            type: 'object',
            properties: {
              replicas: { type: 'integer' },
              selector: { type: 'string' },
              phase: { type: 'string' },
            },
          },
        },
      },
    },
  );
  const schema = (version: string): object => ({
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { [version]: { type: 'string' }, both: { type: 'string' } } },
      },
    },
  });
  const versioned = defined(
    server,
    'versions',
    {},
    {
      versions: [
        { name: 'v1', served: true, storage: true, schema: schema('v1') },
        { name: 'v1beta1', served: true, storage: false, schema: schema('v1beta1'), deprecated: true },
        { name: 'v1alpha1', served: false, storage: false, schema: schema('v1alpha1') },
      ],
    },
  );

  test('a definition that is accepted has its names, its conditions and the version that is stored', async () => {
    await checkedOnes();
    const { body } = await call('GET', `${definitions}/checks.claims.example`);
    expect(body['status']).toEqual({
      conditions: [
        {
          type: 'NamesAccepted',
          status: 'True',
          lastTransitionTime: expect.any(String),
          reason: 'NoConflicts',
          message: 'no conflicts found',
        },
        {
          type: 'Established',
          status: 'True',
          lastTransitionTime: expect.any(String),
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        },
      ],
      acceptedNames: { plural: 'checks', singular: 'check', kind: 'Check', listKind: 'CheckList' },
      storedVersions: ['v1'],
    });
    expect(body['spec']).toMatchObject({ conversion: { strategy: 'None' } });
  });

  for (const [spec, causes] of [
    [
      { must: 'x', text: 'ab', count: 5, amount: 1.5, choice: 'A', flag: true, list: ['a'], either: '5%' },
      [],
    ],
    [{}, ['spec.must: Required value']],
    [
      { must: 1 },
      ['spec.must: Invalid value: "integer": spec.must in body must be of type string: "integer"'],
    ],
    [
      { must: 'x', text: 'a' },
      ['spec.text: Invalid value: "a": spec.text in body should be at least 2 chars long'],
    ],
    [{ must: 'x', text: 'abcde' }, ['spec.text: Too long: may not be more than 4 bytes']],
    [
      { must: 'x', text: 'A1' },
      ['spec.text: Invalid value: "A1": spec.text in body should match \'^[a-z]+$\''],
    ],
    [
      { must: 'x', count: 0 },
      ['spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1'],
    ],
    [
      { must: 'x', count: 6 },
      ['spec.count: Invalid value: 6: spec.count in body should be less than or equal to 5'],
    ],
    [
      { must: 'x', amount: -0.5 },
      ['spec.amount: Invalid value: -0.5: spec.amount in body should be greater than 0'],
    ],
    [
      { must: 'x', amount: 0.7 },
      ['spec.amount: Invalid value: 0.7: spec.amount in body should be a multiple of 0.5'],
    ],
    [{ must: 'x', choice: 'C' }, ['spec.choice: Unsupported value: "C": supported values: "A", "B"']],
    [
      { must: 'x', flag: 'yes' },
      ['spec.flag: Invalid value: "string": spec.flag in body must be of type boolean: "string"'],
    ],
    [
      { must: 'x', list: [] },
      ['spec.list: Invalid value: 0: spec.list in body should have at least 1 items'],
    ],
    [{ must: 'x', list: ['a', 'b', 'c'] }, ['spec.list: Too many: 3: must have at most 2 items']],
    [
      { must: 'x', list: [1] },
      ['spec.list[0]: Invalid value: "integer": spec.list[0] in body must be of type string: "integer"'],
    ],
    [
      { must: 'x', map: {} },
      ['spec.map: Invalid value: 0: spec.map in body should have at least 1 properties'],
    ],
    [
      { must: 'x', map: { a: 'b' } },
      ['spec.map.a: Invalid value: "string": spec.map.a in body must be of type integer: "string"'],
    ],
    [
      { must: 'x', time: 'today' },
      ['spec.time: Invalid value: "today": spec.time in body must be of type date-time: "today"'],
    ],
    [
      { must: 'x', either: true },
      [
        'spec.either: Invalid value: "boolean": spec.either in body must be of type integer,string: "boolean"',
      ],
    ],
    [{ must: 'x', nullable: null }, []],
    [{ must: 'x', one: { a: 'x' } }, []],
    [
      { must: 'x', one: { a: 'x', b: 'y' } },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [{ must: 'x', set: ['a', 'a'] }, ['spec.set[1]: Duplicate value: "a"']],
    [{ must: 'x', keyed: [{ k: 'a' }, { k: 'a' }] }, ['spec.keyed[1]: Duplicate value: {"k":"a"}']],
  ] as const) {
    test(`of ${JSON.stringify(spec)} the schema says: ${causes.join(', ') || 'nothing'}`, async () => {
      const resource = await checkedOnes();
      const answer = await resource.create(await server.namespace(), 'o', { spec });
      const found = causesOf(answer.body).map(
        (cause) => `${shown(cause['field'])}: ${shown(cause['message'])}`,
      );
      expect(found).toEqual(causes);
      expect(answer.status).toBe(causes.length === 0 ? 201 : 422);
    });
  }

  for (const [sent, stored] of [
    [undefined, { replicas: 3, nul: 'd', able: 'd' }],
    [{ replicas: 1 }, { replicas: 1, nul: 'd', able: 'd' }],
    [{ nested: {} }, { replicas: 3, nested: { a: 'x' }, nul: 'd', able: 'd' }],
    [{ list: [{}, { p: 2 }] }, { replicas: 3, list: [{ p: 1 }, { p: 2 }], nul: 'd', able: 'd' }],
    [
      { nul: null, able: null },
      { replicas: 3, nul: 'd', able: null },
    ],
    [{ foo: 1 }, { replicas: 3, nul: 'd', able: 'd' }],
    [{ open: { foo: { bar: 1 } } }, { replicas: 3, open: { foo: { bar: 1 } }, nul: 'd', able: 'd' }],
    [
      { half: { foo: 1, inner: { known: 'k', bar: 1 } } },
      { replicas: 3, half: { foo: 1, inner: { known: 'k' } }, nul: 'd', able: 'd' },
    ],
    [{ list: [{ z: 1, q: 'q' }] }, { replicas: 3, list: [{ p: 1, q: 'q' }], nul: 'd', able: 'd' }],
    [
      { template: { apiVersion: 'v1', kind: 'X', metadata: { name: 'n', foo: 1 }, any: 1 } },
      {
        replicas: 3,
        template: { apiVersion: 'v1', kind: 'X', metadata: { name: 'n' }, any: 1 },
        nul: 'd',
        able: 'd',
      },
    ],
  ] as const) {
    test(`defaults and pruning make ${JSON.stringify(stored)} of ${JSON.stringify(sent) ?? 'nothing'}`, async () => {
      const resource = await filledOnes();
      const ns = await server.namespace();
      const answer = await resource.create(ns, 'o', sent === undefined ? {} : { spec: sent });
      expect(answer.status).toBe(201);
      expect(answer.body['spec']).toEqual(stored);
      expect((await resource.get(ns, 'o'))['spec']).toEqual(stored);
    });
  }

  test('a field that is pruned is a warning, and under Strict a 400', async () => {
    const resource = await filledOnes();
    const ns = await server.namespace();
    const spec = { foo: 1, list: [{ z: 1 }] };
    const strict = await resource.create(ns, 'o', { spec }, '?fieldValidation=Strict');
    expect(strict.body).toMatchObject({
      code: 400,
      message:
        'Fill in version "v1" cannot be handled as a Fill: strict decoding error: unknown field "spec.foo", unknown field "spec.list[0].z"',
    });
    const warned = await resource.create(ns, 'o', { spec });
    expect(warned.headers['warning']).toContain(String.raw`299 - "unknown field \"spec.foo\""`);
  });

  test('metadata is that of every object: a label that is no text is refused with 400', async () => {
    const resource = await filledOnes();
    const answer = await resource.create(await server.namespace(), 'o', { metadata: { labels: { a: 1 } } });
    expect(answer.body).toMatchObject({
      code: 400,
      message:
        'Fill in version "v1" cannot be handled as a Fill: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string',
    });
  });

  test('a custom resource must say its kind and its version', async () => {
    const resource = await filledOnes();
    const path = resource.path(await server.namespace());
    const body = resource.body('o');
    expect((await call('POST', path, { body: { ...body, kind: undefined } })).status).toBe(400);
    expect((await call('POST', path, { body: { ...body, apiVersion: 'claims.example/v2' } })).status).toBe(
      400,
    );
    const other = await call('POST', path, { body: { ...body, kind: 'Other' } });
    expect(other.status).toBe(422);
  });

  test('a PUT without a resourceVersion: 422; to a name that is not there: 404', async () => {
    const resource = await filledOnes();
    const ns = await server.namespace();
    await resource.create(ns, 'o');
    const answer = await call('PUT', resource.path(ns, 'o'), { body: resource.body('o') });
    expect(answer.status).toBe(422);
    expect(causesOf(answer.body)).toMatchObject([{ field: 'metadata.resourceVersion' }]);
    expect((await call('PUT', resource.path(ns, 'x'), { body: resource.body('x') })).status).toBe(404);
  });

  test('the generation counts changes of everything but metadata, and status where that has its own path', async () => {
    const resource = await full();
    const ns = await server.namespace();
    const generation = (answer: RawAnswer): unknown => metaOf(answer.body)['generation'];
    expect(generation(await resource.create(ns, 'o', { spec: { replicas: 1 } }))).toBe(1);
    expect(generation(await resource.merge(ns, 'o', { metadata: { labels: { a: 'b' } } }))).toBe(1);
    expect(generation(await resource.merge(ns, 'o', { spec: { replicas: 2 } }))).toBe(2);
    expect(generation(await resource.merge(ns, 'o', { status: { phase: 'x' } }))).toBe(2);
    expect(generation(await resource.merge(ns, 'o/status', { status: { phase: 'y' } }))).toBe(2);
  });

  test('status is written through its own path only, and that path writes nothing else', async () => {
    const resource = await full();
    const ns = await server.namespace();
    const created = await resource.create(ns, 'o', { spec: { replicas: 1 }, status: { phase: 'x' } });
    expect(created.body['status']).toBeUndefined();
    const answer = await resource.merge(ns, 'o/status', {
      metadata: { labels: { a: 'b' } },
      spec: { replicas: 9 },
      status: { phase: 'y' },
    });
    expect(answer.body).toMatchObject({ spec: { replicas: 1 }, status: { phase: 'y' } });
    expect(metaOf(answer.body)['labels']).toBeUndefined();
  });

  test('the status path keeps its own entry in managedFields', async () => {
    const resource = await full();
    const ns = await server.namespace();
    await resource.create(ns, 'o', { spec: { replicas: 1 } }, '?fieldManager=a');
    const answer = await resource.merge(ns, 'o/status', { status: { phase: 'y' } }, '?fieldManager=b');
    expect(metaOf(answer.body)['managedFields']).toMatchObject([
      { manager: 'a', fieldsV1: { 'f:spec': { '.': {}, 'f:replicas': {} } } },
      { manager: 'b', subresource: 'status', fieldsV1: { 'f:status': { '.': {}, 'f:phase': {} } } },
    ]);
  });

  test('a definition without subresources serves none: 404', async () => {
    const resource = await checkedOnes();
    const ns = await server.namespace();
    await resource.create(ns, 'o', { spec: { must: 'x' } });
    for (const subresource of ['status', 'scale']) {
      expect((await call('GET', `${resource.path(ns, 'o')}/${subresource}`)).status).toBe(404);
    }
  });

  test('scale shows the replicas and the selector, and changes the replicas', async () => {
    const resource = await full();
    const ns = await server.namespace();
    await resource.create(ns, 'o', { spec: { replicas: 2 } });
    await resource.merge(ns, 'o/status', { status: { replicas: 1, selector: 'a=b' } });
    const path = `${resource.path(ns, 'o')}/scale`;
    const scale = await call('GET', path);
    expect(scale.body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'o', namespace: ns },
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'a=b' },
    });
    const scaled = await call('PUT', path, { body: { ...scale.body, spec: { replicas: 5 } } });
    expect(scaled.body).toMatchObject({ spec: { replicas: 5 } });
    const object = await resource.get(ns, 'o');
    expect(object).toMatchObject({ spec: { replicas: 5 }, metadata: { generation: 2 } });
    const patched = await resource.merge(ns, 'o/scale', { spec: { replicas: 6 } });
    expect(patched.body).toMatchObject({ kind: 'Scale', spec: { replicas: 6 } });
    expect((await resource.merge(ns, 'o/scale', { spec: { replicas: -1 } })).status).toBe(422);
  });

  test('a Table has the columns of the definition', async () => {
    const resource = await full();
    const ns = await server.namespace();
    await resource.create(ns, 'o', { spec: { replicas: 2 } });
    await resource.create(ns, 'p');
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await call('GET', resource.path(ns), { headers: { accept } });
    const columns = body['columnDefinitions'] as readonly JsonObject[];
    expect(columns.map(({ name, type, priority }) => [name, type, priority])).toEqual([
      ['Name', 'string', 0],
      ['Replicas', 'integer', 0],
      ['Phase', 'string', 1],
      ['Born', 'date', 0],
    ]);
    expect(columns[1]).toMatchObject({ description: 'how many', format: '' });
    const rows = body['rows'] as readonly JsonObject[];
    expect(rows.map((row) => (row['cells'] as unknown[]).slice(0, 3))).toEqual([
      ['o', 2, null],
      ['p', null, null],
    ]);
    expect(rows[0]?.['object']).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'o' } });
  });

  test('a Table of a definition without columns has name and age', async () => {
    const resource = await checkedOnes();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await call('GET', resource.path(await server.namespace()), { headers: { accept } });
    const columns = body['columnDefinitions'] as readonly JsonObject[];
    expect(columns.map(({ name }) => name)).toEqual(['Name', 'Age']);
  });

  test('a field that the definition says can be selected by can be selected by, others not: 400', async () => {
    const resource = await full();
    const ns = await server.namespace();
    await resource.create(ns, 'red', { spec: { color: 'red' } });
    await resource.create(ns, 'blue', { spec: { color: 'blue' } });
    const found = await call('GET', `${resource.path(ns)}?fieldSelector=spec.color%3Dred`);
    expect(namesOf(found.body)).toEqual(['red']);
    expect((await call('GET', `${resource.path(ns)}?fieldSelector=spec.replicas%3D1`)).status).toBe(400);
  });

  test('one object is served in every version that is, each with its own fields', async () => {
    const resource = await versioned();
    const ns = await server.namespace();
    await resource.create(ns, 'o', { spec: { v1: 'x', both: 'y' } });
    const beta = await call('GET', resource.path(ns, 'o', 'v1beta1'));
    expect(beta.body).toMatchObject({ apiVersion: 'claims.example/v1beta1', kind: 'Version' });
    expect(beta.body['spec']).toEqual({ both: 'y' });
    expect((await call('GET', resource.path(ns, 'o', 'v1alpha1'))).status).toBe(404);
    expect((await call('GET', resource.path(ns, 'o', 'v2'))).status).toBe(404);
  });

  test('a version that is deprecated says so in a warning', async () => {
    const resource = await versioned();
    const answer = await call('GET', resource.path(await server.namespace(), undefined, 'v1beta1'));
    expect(answer.headers['warning']).toBe(
      '299 - "claims.example/v1beta1 Version is deprecated; use claims.example/v1 Version"',
    );
  });

  test('a write in one version is seen by a watch of another', async () => {
    const resource = await versioned();
    const ns = await server.namespace();
    const watch = await server.http.openWatch(`${resource.path(ns, undefined, 'v1beta1')}?watch=1`);
    await resource.create(ns, 'o', { spec: { both: 'y' } });
    expect(await watch.next(1)).toMatchObject([
      { type: 'ADDED', object: { apiVersion: 'claims.example/v1beta1', metadata: { name: 'o' } } },
    ]);
    watch.close();
  });

  test('discovery lists the versions, the best first', async () => {
    await versioned();
    await until(async () => {
      const { body } = await call('GET', '/apis/claims.example');
      return JSON.stringify(body).includes('v1beta1');
    });
    const { body } = await call('GET', '/apis/claims.example');
    expect(body).toMatchObject({
      kind: 'APIGroup',
      versions: [{ version: 'v1' }, { version: 'v1beta1' }],
      preferredVersion: { groupVersion: 'claims.example/v1', version: 'v1' },
    });
    const list = await call('GET', '/apis/claims.example/v1beta1');
    expect(JSON.stringify(list.body['resources'])).toContain('"name":"versions"');
  });

  const object = { type: 'object' };
  for (const [claim, body, cause] of [
    [
      'whose name is not made of plural and group',
      { ...definition('bads', object), metadata: { name: 'other.claims.example' } },
      'metadata.name: Invalid value: "other.claims.example": must be spec.names.plural+"."+spec.group',
    ],
    [
      'with a field without a type',
      definition('bads', { type: 'object', properties: { a: {} } }),
      'spec.validation.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be empty for specified object fields',
    ],
    [
      'with a list without items',
      definition('bads', { type: 'object', properties: { a: { type: 'array' } } }),
      'spec.validation.openAPIV3Schema.properties[spec].properties[a].items: Required value: must be specified',
    ],
    [
      'with a default of the wrong type',
      definition('bads', { type: 'object', properties: { a: { type: 'integer', default: 'x' } } }),
      'spec.validation.openAPIV3Schema.properties[spec].properties[a].default: Invalid value: "string":  in body must be of type integer: "string"',
    ],
    [
      'with a type that is none',
      definition('bads', { type: 'object', properties: { a: { type: 'strnig' } } }),
      'spec.validation.openAPIV3Schema.properties[spec].properties[a].type: Unsupported value: "strnig": supported values: "array", "boolean", "integer", "number", "object", "string"',
    ],
    [
      'with a key that may be absent from the items of a list',
      definition('bads', {
        type: 'object',
        properties: {
          a: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k'],
            items: { type: 'object', properties: { k: { type: 'string' } } },
          },
        },
      }),
      'spec.validation.openAPIV3Schema.properties[spec].properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
    ],
    ['without a scope', definition('bads', object, { spec: { scope: '' } }), 'spec.scope: Required value'],
    [
      'of a group that is protected',
      {
        ...definition('bads', object, { spec: { group: 'x.k8s.io' } }),
        metadata: { name: 'bads.x.k8s.io' },
      },
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
  ] as const) {
    test(`a definition ${claim}: 422`, async () => {
      const answer = await call('POST', definitions, { body });
      expect(answer.status).toBe(422);
      const found = causesOf(answer.body).map((one) => `${shown(one['field'])}: ${shown(one['message'])}`);
      expect(found).toContain(cause);
    });
  }

  test('a second definition with the kind of another one is not established', async () => {
    await checkedOnes();
    const body = definition('others', object, { spec: { names: { plural: 'others', kind: 'Check' } } });
    await call('POST', definitions, { body });
    const path = `${definitions}/others.claims.example`;
    await until(async () => JSON.stringify((await call('GET', path)).body).includes('NamesAccepted'));
    const { conditions } = (await call('GET', path)).body['status'] as { conditions: JsonObject[] };
    expect(conditions).toMatchObject([
      {
        type: 'NamesAccepted',
        status: 'False',
        reason: 'ListKindConflict',
        message: '"CheckList" is already in use',
      },
      {
        type: 'Established',
        status: 'False',
        reason: 'NotAccepted',
        message: 'not all names are accepted',
      },
    ]);
    await call('DELETE', path);
  });

  test('a definition that goes takes its objects along, and takes no new ones meanwhile: 403', async () => {
    const body = definition('goings', object);
    await call('POST', definitions, { body });
    const resource = new CustomResource(server, 'goings');
    const ns = await server.namespace();
    await until(async () => (await call('GET', resource.path(ns))).status === 200);
    await resource.create(ns, 'free');
    await resource.create(ns, 'held', { metadata: { finalizers: ['example.com/hold'] } });
    const answer = await call('DELETE', `${definitions}/goings.claims.example`);
    expect(metaOf(answer.body)).toMatchObject({
      finalizers: ['customresourcecleanup.apiextensions.k8s.io'],
      generation: 1,
      deletionTimestamp: expect.any(String),
    });
    await until(async () => (await call('GET', resource.path(ns, 'free'))).status === 404);
    const late = await resource.create(ns, 'late');
    expect(late.body).toEqual(
      failure(
        403,
        'Forbidden',
        'goings.claims.example "late" is forbidden: create not allowed while custom resource definition is terminating',
        { name: 'late', group: 'claims.example', kind: 'goings' },
      ),
    );
    await until(async () => {
      const { body: going } = await call('GET', `${definitions}/goings.claims.example`);
      return JSON.stringify(going).includes('InstanceDeletionInProgress');
    });
    const contentType = patchTypes.json;
    await call('PATCH', resource.path(ns, 'held'), {
      body: [{ op: 'remove', path: '/metadata/finalizers' }],
      contentType,
    });
  });
});
