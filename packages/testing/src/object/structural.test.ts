import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from './json.js';
import type { Schema } from './schema.js';
import { applyDefaults, jsonPath, pruneUnknown, validateObject, validateStructural } from './structural.js';

const field = (schema: Schema): Schema => ({
  type: 'object',
  properties: { spec: { type: 'object', properties: { f: schema } } },
});
const holding = (f: Json): JsonObject => ({ spec: { f } });

const errorsOf = (schema: Schema, value: Json): readonly string[] =>
  validateObject(holding(value), field(schema)).map(
    ({ reason, field: path, message }) => `${reason} ${path} ${message}`,
  );

describe('pruning', () => {
  test('drops unknown fields at every depth and lists them sorted', () => {
    const schema = field({ type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } });
    const object = { spec: { f: [{ a: 'x', b: 1 }], aa: 1 }, zed: 1, metadata: { name: 't', foo: 1 } };
    expect(pruneUnknown(object, schema)).toEqual({
      object: { spec: { f: [{ a: 'x' }] }, metadata: { name: 't' } },
      pruned: ['metadata.foo', 'spec.aa', 'spec.f[0].b', 'zed'],
      problem: undefined,
    });
  });

  test('keeps what preserves unknown fields, but prunes the declared ones in it', () => {
    const schema = field({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { k: { type: 'object', properties: { z: { type: 'string' } } } },
    });
    const { object, pruned } = pruneUnknown(holding({ x: { y: 1 }, k: { q: 1, z: '1' } }), schema);
    expect(object).toEqual(holding({ x: { y: 1 }, k: { z: '1' } }));
    expect(pruned).toEqual(['spec.f.k.q']);
  });

  test('keeps the common fields of embedded objects and decodes their metadata', () => {
    const schema = field({ type: 'object', 'x-kubernetes-embedded-resource': true, properties: {} });
    const embedded = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', u: 1 }, spec: {} };
    const { object, pruned } = pruneUnknown(holding(embedded), schema);
    expect(object).toEqual(holding({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }));
    expect(pruned).toEqual(['spec.f.spec', 'spec.f.metadata.u']);
  });

  test.each<readonly [string, Json, string]>([
    ['metadata that is a list', [], 'json: cannot unmarshal array into Go value of type v1.ObjectMeta'],
    [
      'a label that is a number',
      { labels: { a: 5 } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string',
    ],
  ])('reports %s', (_claim, metadata, problem) => {
    expect(pruneUnknown({ metadata }, { type: 'object' }).problem).toBe(problem);
  });
});

describe('defaulting', () => {
  test('fills what is missing, below defaults too, but creates no object for the sake of a default in it', () => {
    const schema = field({
      type: 'object',
      default: {},
      properties: {
        x: { type: 'string', default: 'dx' },
        o: { type: 'object', properties: { y: { type: 'integer', default: 3 } } },
      },
    });
    expect(applyDefaults({ spec: {} }, schema)).toEqual(holding({ x: 'dx' }));
    expect(applyDefaults(holding({ o: {} }), schema)).toEqual(holding({ x: 'dx', o: { y: 3 } }));
    expect(applyDefaults({}, schema)).toEqual({});
  });

  test('gives every item of a list and every value of a map its defaults', () => {
    const item: Schema = { type: 'object', properties: { d: { type: 'integer', default: 1 } } };
    expect(applyDefaults(holding([{}, { d: 2 }]), field({ type: 'array', items: item }))).toEqual(
      holding([{ d: 1 }, { d: 2 }]),
    );
    expect(applyDefaults(holding({ k: {} }), field({ type: 'object', additionalProperties: item }))).toEqual(
      holding({ k: { d: 1 } }),
    );
  });

  test.each<readonly [string, Schema, JsonObject]>([
    ['becomes the default', { type: 'string', default: 'x' }, holding('x')],
    ['goes where there is none', { type: 'string' }, { spec: {} }],
    ['stays if it is allowed', { type: 'string', nullable: true, default: 'x' }, holding(null)],
  ])('a null %s', (_claim, schema, expected) => {
    expect(applyDefaults(holding(null), field(schema))).toEqual(expected);
  });

  test('never hands out the same default twice', () => {
    const schema = field({ type: 'object', default: { a: {} }, properties: { a: { type: 'object' } } });
    const first = applyDefaults({ spec: {} }, schema);
    expect(applyDefaults({ spec: {} }, schema)).not.toBe(first);
    expect(first).toEqual(holding({ a: {} }));
  });
});

describe('validation', () => {
  const invalid = (message: string): readonly string[] => [
    `FieldValueInvalid spec.f Invalid value: ${message}`,
  ];
  const wrongType = (value: string, type: string): readonly string[] => [
    `FieldValueTypeInvalid spec.f Invalid value: "${value}": spec.f in body must be of type ${type}: "${value}"`,
  ];

  test.each<readonly [Schema, Json, readonly string[]]>([
    [{ type: 'string' }, 5, wrongType('integer', 'string')],
    [{ type: 'string' }, null, wrongType('null', 'string')],
    [{ type: 'object' }, [], wrongType('array', 'object')],
    [{ type: 'integer' }, 'x', wrongType('string', 'integer')],
    [{ 'x-kubernetes-int-or-string': true }, true, wrongType('boolean', 'integer,string')],
    [{ 'x-kubernetes-int-or-string': true }, '25%', []],
    [{ type: 'number' }, 5, []],
    [{ type: 'string', nullable: true }, null, []],
    [{ type: 'integer', minimum: 1 }, 0, invalid('0: spec.f in body should be greater than or equal to 1')],
    [
      { type: 'integer', minimum: 1, exclusiveMinimum: true },
      1,
      invalid('1: spec.f in body should be greater than 1'),
    ],
    [{ type: 'integer', maximum: 10 }, 11, invalid('11: spec.f in body should be less than or equal to 10')],
    [
      { type: 'number', maximum: 10, exclusiveMaximum: true },
      10,
      invalid('10: spec.f in body should be less than 10'),
    ],
    [{ type: 'number', multipleOf: 0.5 }, 0.7, invalid('0.7: spec.f in body should be a multiple of 0.5')],
    [{ type: 'number', multipleOf: 0.1 }, 0.3, []],
    [{ type: 'string', minLength: 2 }, 'a', invalid('"a": spec.f in body should be at least 2 chars long')],
    [
      { type: 'string', maxLength: 4 },
      'aaaaa',
      ['FieldValueTooLong spec.f Too long: may not be more than 4 bytes'],
    ],
    [{ type: 'string', maxLength: 2 }, 'éé', []],
    [{ type: 'string', pattern: '^a+$' }, 'b', invalid(`"b": spec.f in body should match '^a+$'`)],
    [{ type: 'string', pattern: '(?i)^A$' }, 'a', []],
    [
      { type: 'string', enum: ['a', 'b'] },
      'c',
      ['FieldValueNotSupported spec.f Unsupported value: "c": supported values: "a", "b"'],
    ],
    [
      { type: 'integer', enum: [1, 2] },
      3,
      ['FieldValueNotSupported spec.f Unsupported value: 3: supported values: "1", "2"'],
    ],
    [
      { type: 'array', minItems: 1, items: {} },
      [],
      invalid('0: spec.f in body should have at least 1 items'),
    ],
    [
      { type: 'array', maxItems: 1, items: {} },
      [1, 2],
      ['FieldValueTooMany spec.f Too many: 2: must have at most 1 item'],
    ],
    [
      { type: 'object', minProperties: 1 },
      {},
      invalid('0: spec.f in body should have at least 1 properties'),
    ],
    [
      { type: 'object', maxProperties: 2 },
      { a: 1, b: 2, c: 3 },
      ['FieldValueTooMany spec.f Too many: 3: must have at most 2 items'],
    ],
    [{ type: 'object', required: ['a'] }, {}, ['FieldValueRequired spec.f.a Required value']],
    [
      { type: 'integer', format: 'int32' },
      99999999999,
      [
        'FieldValueInvalid <nil> Invalid value: "": Checked value must be of type integer with format int32 in spec.f',
      ],
    ],
  ])('of %j for %j', (schema, value, expected) => {
    expect(errorsOf(schema, value)).toEqual(expected);
  });

  test.each<readonly [string, string, readonly string[]]>([
    ['date-time', '2026-11-23T19:12:00.5+01:00', ['2026-11-23 19:12:00', '2026-02-30T00:00:00Z', 'x']],
    ['date', '2026-11-23', ['2026-02-30', 'x']],
    ['duration', '1h30m', ['x', '1']],
    ['duration', '2 days', ['2 moons']],
    ['uuid', '2a1b178b-4692-4264-8c40-1f0fb5ad281a', ['x']],
    ['uri', 'https://example.com', ['x', 'foo']],
    ['ipv4', '1.2.3.4', ['::1', 'x']],
    ['ipv6', '::1', ['1.2.3.4']],
    ['cidr', '10.0.0.0/8', ['10.0.0.0', '10.0.0.0/33']],
    ['hostname', 'example.com', ['-', 'a.b']],
    ['email', 'a@b.c', ['a b@c.d', 'x']],
    ['mac', '00:00:00:00:00:00', ['x']],
    ['byte', 'AAAA', ['*', 'AAA']],
    ['k8s-short-name', 'a-b', ['A', 'a.b']],
  ])('knows the format %s', (format, good, bad) => {
    expect(errorsOf({ type: 'string', format }, good)).toEqual([]);
    for (const text of bad) {
      expect(errorsOf({ type: 'string', format }, text)).toEqual([
        `FieldValueTypeInvalid spec.f Invalid value: "${text}": spec.f in body must be of type ${format}: "${text}"`,
      ]);
    }
  });

  test('ignores formats that the server does not know', () => {
    expect(errorsOf({ type: 'string', format: 'cron' }, 'x')).toEqual([]);
  });

  const ab: Schema = { type: 'object', properties: { a: {}, b: {} } };
  const either = [{ required: ['a'] }, { required: ['b'] }];
  const general = (message: string): string =>
    `FieldValueInvalid <nil> Invalid value: "": "spec.f" ${message}`;

  test.each<readonly [string, Schema, Json, readonly string[]]>([
    [
      'anyOf',
      { ...ab, anyOf: either },
      {},
      [general('must validate at least one schema (anyOf)'), 'FieldValueRequired spec.f.a Required value'],
    ],
    [
      'oneOf',
      { ...ab, oneOf: either },
      { a: 1, b: 2 },
      [general('must validate one and only one schema (oneOf). Found 2 valid alternatives')],
    ],
    [
      'oneOf',
      { ...ab, oneOf: either },
      {},
      [
        general('must validate one and only one schema (oneOf). Found none valid'),
        'FieldValueRequired spec.f.a Required value',
      ],
    ],
    [
      'allOf',
      { ...ab, allOf: either },
      { a: 1 },
      ['FieldValueRequired spec.f.b Required value', general('must validate all the schemas (allOf)')],
    ],
    ['not', { ...ab, not: { required: ['a'] } }, { a: 1 }, [general('must not validate the schema (not)')]],
    ['oneOf', { ...ab, oneOf: either }, { b: 1 }, []],
  ])('combines by %s', (_junctor, schema, value, expected) => {
    expect(errorsOf(schema, value)).toEqual(expected);
  });

  test('refuses the same item twice in sets and keyed lists, defaults of keys included', () => {
    const set: Schema = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } };
    expect(errorsOf(set, ['a', 'a'])).toEqual(['FieldValueDuplicate spec.f[1] Duplicate value: "a"']);
    const map: Schema = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name', 'p'],
      items: { type: 'object', properties: { name: { type: 'string' }, p: { type: 'integer', default: 1 } } },
    };
    expect(errorsOf(map, [{ name: 'a' }, { name: 'a', p: 1 }])).toEqual([
      'FieldValueDuplicate spec.f[1] Duplicate value: {"name":"a","p":1}',
    ]);
  });

  test('asks embedded objects for apiVersion and kind', () => {
    const schema: Schema = {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      'x-kubernetes-preserve-unknown-fields': true,
    };
    expect(errorsOf(schema, {})).toEqual([
      'FieldValueRequired spec.f.apiVersion Required value',
      'FieldValueRequired spec.f.kind Required value',
    ]);
  });

  test('lets an update keep a value that the schema refuses by now', () => {
    const schema: Schema = {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: { f: { type: 'string', maxLength: 1 }, g: { type: 'string', maxLength: 1 } },
        },
      },
    };
    const before = { spec: { f: 'long', g: 'a' } };
    expect(validateObject({ spec: { f: 'long', g: 'b' } }, schema, { before })).toEqual([]);
    expect(validateObject({ spec: { f: 'longer', g: 'b' } }, schema, { before })).toHaveLength(1);
  });

  test('asks for rules where a schema has some, with the stored value, once all else is valid', () => {
    const schema = field({
      type: 'integer',
      minimum: 1,
      'x-kubernetes-validations': [{ rule: 'self >= oldSelf' }],
    });
    const asked: Json[] = [];
    const validateRules = ({
      path,
      value,
      before,
    }: {
      path: string;
      value: Json;
      before: Json | undefined;
    }) => {
      asked.push([path, value, before ?? null]);
      return [{ reason: 'FieldValueInvalid' as const, field: path, message: 'failed rule' }];
    };
    const [, unchecked] = validateObject(holding(0), schema, { validateRules });
    expect(unchecked?.message).toContain('some validation rules were not checked');
    expect(asked).toEqual([]);
    expect(validateObject(holding(2), schema, { before: holding(3), validateRules })).toEqual([
      { reason: 'FieldValueInvalid', field: 'spec.f', message: 'failed rule' },
    ]);
    expect(asked).toEqual([['spec.f', 2, 3]]);
  });
});

describe('a schema is structural', () => {
  const inField = (schema: object): Schema => ({ type: 'object', properties: { a: schema } });

  test('if every field has a type and checks declare nothing', () => {
    const schema = inField({
      type: 'object',
      required: ['s'],
      properties: {
        s: { type: 'string', default: 'x' },
        any: { 'x-kubernetes-preserve-unknown-fields': true },
      },
      anyOf: [{ required: ['s'] }, { properties: { s: { minLength: 3 } } }],
    });
    expect(validateStructural(schema)).toEqual([]);
  });

  test.each<readonly [object, string, string]>([
    [{}, '.type', 'Required value: must not be empty for specified object fields'],
    [{ type: 'array' }, '.items', 'Required value: must be specified'],
    [
      { type: 'array', items: {} },
      '.items.type',
      'Required value: must not be empty for specified array items',
    ],
    [
      { type: 'foo' },
      '.type',
      'Unsupported value: "foo": supported values: "array", "boolean", "integer", "number", "object", "string"',
    ],
    [
      { type: 'object', properties: { x: { type: 'string' } }, additionalProperties: { type: 'string' } },
      '.additionalProperties',
      'Forbidden: additionalProperties and properties are mutual exclusive',
    ],
    [
      { type: 'string', anyOf: [{ type: 'string' }] },
      '.anyOf[0].type',
      'Forbidden: must be empty to be structural',
    ],
    [
      { type: 'object', not: { default: 'x' } },
      '.not.default',
      'Forbidden: must be undefined to be structural',
    ],
    [
      { type: 'string', default: 5 },
      '.default',
      'Invalid value: "integer":  in body must be of type string: "integer"',
    ],
    [
      { type: 'object', default: { x: 1 } },
      '.default',
      'Invalid value: {"x":1}: must not have unknown fields',
    ],
    [
      { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
      '.x-kubernetes-list-map-keys',
      'Required value: must not be empty if x-kubernetes-list-type is map',
    ],
    [
      { type: 'array', uniqueItems: true, items: { type: 'string' } },
      '.uniqueItems',
      'Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ],
    [{ $ref: '#/x', type: 'string' }, '.$ref', 'Forbidden: $ref is not supported'],
    [
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
      '.x-kubernetes-preserve-unknown-fields',
      'Invalid value: false: must be true or undefined',
    ],
  ])('and %j is not', (schema, path, message) => {
    const errors = validateStructural(inField(schema)).map(({ field: at, message: text }) => [at, text]);
    expect(errors).toEqual([[`spec.validation.openAPIV3Schema.properties[a]${path}`, message]]);
  });

  test('only with an object at the root', () => {
    expect(validateStructural({})).toMatchObject([
      { message: 'Required value: must not be empty at the root' },
    ]);
    expect(validateStructural({ type: 'string' })).toMatchObject([
      { message: 'Invalid value: "string": must be object at the root' },
    ]);
  });
});

describe('a JSONPath', () => {
  const object = {
    metadata: { labels: { 'app.kubernetes.io/name': 'x' } },
    spec: {
      schedule: '@daily',
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 90 },
      ],
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Failed', status: 'False' },
      ],
    },
  };

  test.each<readonly [string, Json | undefined]>([
    ['.spec.schedule', '@daily'],
    ['{.spec.schedule}', '@daily'],
    ['.status.conditions[?(@.type=="Failed")].status', 'False'],
    [".status.conditions[?(@.type=='Ready')].status", 'True'],
    ['.spec.ports[1].name', 'b'],
    ['.spec.ports[-1].port', 90],
    ['.spec.ports[*].port', 80],
    ['.spec.ports[?(@.port>85)].name', 'b'],
    [String.raw`.metadata.labels.app\.kubernetes\.io/name`, 'x'],
    [".metadata.labels['app.kubernetes.io/name']", 'x'],
    ['.spec.missing.deeper', undefined],
    ['.status.conditions[?(@.type=="None")].status', undefined],
  ])('%s finds %j', (path, expected) => {
    expect(jsonPath(path)(object)).toEqual(expected);
  });

  test('that cannot be read is refused, with the place', () => {
    expect(() => jsonPath('.spec[')).toThrow('cannot read the JSONPath ".spec[" from "[" on');
  });
});
