import { expect, test } from '@jest/globals';
import { defined, definition, definitions } from './definitions.js';
import { causesOf } from './objects.js';
import type { JsonObject } from './raw-http.js';
import { describeOnServers } from './servers.js';

const rules = (...all: readonly object[]): object => ({ 'x-kubernetes-validations': all });
const invalid = (field: string, message: string): object => ({ reason: 'FieldValueInvalid', field, message });

const shown = {
  type: 'object',
  properties: {
    min: { type: 'integer' },
    max: { type: 'integer' },
    name: { type: 'string', maxLength: 20 },
    ratio: { type: 'number' },
    list: {
      type: 'array',
      maxItems: 10,
      items: {
        type: 'object',
        properties: { a: { type: 'string', maxLength: 10 }, n: { type: 'integer' } },
        ...rules({ rule: 'self.n < 10', message: 'n too big' }),
      },
    },
    tags: {
      type: 'array',
      maxItems: 10,
      items: { type: 'string', maxLength: 10 },
      ...rules({ rule: "self.all(t, t.startsWith('x'))" }),
    },
    map: {
      type: 'object',
      maxProperties: 5,
      additionalProperties: {
        type: 'integer',
        ...rules({ rule: 'self > 0', messageExpression: "self > -5 ? 'too small' : 'much too small'" }),
      },
    },
    frozen: { type: 'string', maxLength: 10, ...rules({ rule: 'self == oldSelf', message: 'is immutable' }) },
    'a-b': { type: 'integer' },
    if: { type: 'integer' },
    keyed: {
      type: 'array',
      maxItems: 10,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: {
        type: 'object',
        required: ['k'],
        properties: {
          k: { type: 'string', maxLength: 5 },
          v: { type: 'integer', ...rules({ rule: 'self >= oldSelf', message: 'must not shrink' }) },
        },
      },
    },
  },
  ...rules(
    { rule: '!has(self.max) || self.min <= self.max', message: 'min must not exceed max' },
    { rule: '!has(self.name) || self.name != "bad"' },
    {
      rule: '!has(self.ratio) || self.ratio < 1.5',
      message: 'too high',
      fieldPath: '.ratio',
      reason: 'FieldValueForbidden',
    },
    {
      rule: '!has(oldSelf.name) || has(self.name)',
      message: 'name is required once set',
      reason: 'FieldValueRequired',
      fieldPath: '.name',
    },
    { rule: '!has(self.a__dash__b) || self.a__dash__b < 3', message: 'dash' },
    { rule: '!has(self.__if__) || self.__if__ < 3', message: 'if' },
  ),
};

const library = {
  type: 'object',
  properties: {
    s: { type: 'string', maxLength: 50 },
    i: { type: 'integer' },
    d: { type: 'string', format: 'duration' },
    t: { type: 'string', format: 'date-time' },
    l: { type: 'array', maxItems: 5, items: { type: 'integer' } },
    ios: { 'x-kubernetes-int-or-string': true },
    e: { type: 'string', enum: ['A', 'B'] },
    q: { type: 'string', maxLength: 20 },
    b: { type: 'boolean' },
  },
  ...rules(
    ...Object.entries({
      matches: "!has(self.s) || self.s.matches('^[a-z]+$')",
      size: '!has(self.s) || self.s.size() < 5',
      'size of': '!has(self.s) || size(self.s) < 6',
      lower: "!has(self.s) || self.s.lowerAscii() != 'zed'",
      in: "!has(self.s) || self.s in ['a', 'zed', 'abcdefg', 'A1']",
      even: '!has(self.i) || self.i % 2 == 0',
      sum: '!has(self.l) || self.l.sum() < 10',
      sorted: '!has(self.l) || self.l.isSorted()',
      bounds: '!has(self.l) || self.l.max() < 9 && self.l.min() > 0',
      one: '!has(self.l) || self.l.exists_one(x, x == 1)',
      mapped: '!has(self.l) || self.l.map(x, x * 2).filter(x, x > 4).size() < 3',
      duration: "!has(self.d) || duration(self.d) < duration('1h')",
      typed: "!has(self.d) || self.d > duration('1s')",
      time: "!has(self.t) || self.t < timestamp('2030-01-01T00:00:00Z')",
      either: "!has(self.ios) || (type(self.ios) == int ? self.ios < 10 : self.ios.endsWith('%'))",
      enum: "!has(self.e) || self.e == 'A'",
      'is quantity': '!has(self.q) || isQuantity(self.q)',
      quantity: "!has(self.q) || !isQuantity(self.q) || quantity(self.q).isLessThan(quantity('2Gi'))",
      b: '!has(self.b) || self.b',
    }).map(([message, rule]) => ({ rule, message })),
  ),
};

describeOnServers('validation rules', (server) => {
  const shownOnes = defined(server, 'shows', shown);
  const libraryOnes = defined(server, 'librarys', library);
  const optionalOnes = defined(server, 'optionals', {
    type: 'object',
    properties: { v: { type: 'integer' } },
    ...rules({
      rule: '!oldSelf.hasValue() || oldSelf.value().v <= self.v',
      optionalOldSelf: true,
      message: 'must grow',
    }),
  });
  const rootOnes = defined(
    server,
    'roots',
    {},
    {
      version: { subresources: { status: {} } },
      schema: {
        type: 'object',
        properties: {
          spec: { type: 'object', properties: { v: { type: 'integer' } } },
          status: { type: 'object', properties: { v: { type: 'integer' } } },
        },
        ...rules(
          { rule: "self.metadata.name.startsWith('o')", message: 'name' },
          { rule: '!has(self.spec) || self.spec.v < 5' },
          { rule: '!has(self.status) || self.status.v < 5', message: 'status' },
        ),
      },
    },
  );

  for (const [spec, cause] of [
    [{ min: 3, max: 2 }, invalid('spec', 'Invalid value: min must not exceed max')],
    [
      { max: 3 },
      invalid('spec', 'Invalid value: "object": no such key: min evaluating rule: min must not exceed max'),
    ],
    [{ name: 'bad' }, invalid('spec', 'Invalid value: failed rule: !has(self.name) || self.name != "bad"')],
    [{ ratio: 2 }, { reason: 'FieldValueForbidden', field: 'spec.ratio', message: 'Forbidden: too high' }],
    [{ list: [{ n: 3 }, { n: 30 }] }, invalid('spec.list[1]', 'Invalid value: n too big')],
    [
      { list: [{ a: 'x' }] },
      invalid('spec.list[0]', 'Invalid value: "object": no such key: n evaluating rule: n too big'),
    ],
    [
      { tags: ['xa', 'b'] },
      invalid('spec.tags', "Invalid value: failed rule: self.all(t, t.startsWith('x'))"),
    ],
    [{ map: { k: 0 } }, invalid('spec.map[k]', 'Invalid value: 0: too small')],
    [{ map: { k: -9 } }, invalid('spec.map[k]', 'Invalid value: -9: much too small')],
    [{ 'a-b': 4 }, invalid('spec', 'Invalid value: dash')],
    [{ if: 4 }, invalid('spec', 'Invalid value: if')],
  ] as const) {
    test(`${JSON.stringify(spec)} breaks a rule: ${(cause as JsonObject)['message'] as string}`, async () => {
      const resource = await shownOnes();
      const answer = await resource.create(await server.namespace(), 'o', { spec });
      expect(answer.status).toBe(422);
      expect(causesOf(answer.body)).toEqual([cause]);
    });
  }

  for (const spec of [
    { min: 1, max: 2 },
    {},
    { ratio: 1.4 },
    { list: [{ n: 9 }] },
    { tags: [] },
    { map: { k: 1 } },
    { frozen: 'x' },
  ]) {
    test(`${JSON.stringify(spec)} keeps the rules`, async () => {
      const resource = await shownOnes();
      expect((await resource.create(await server.namespace(), 'o', { spec })).status).toBe(201);
    });
  }

  test('every broken rule is a cause, outer ones first', async () => {
    const resource = await shownOnes();
    const spec = { min: 5, max: 2, name: 'bad', tags: ['b'] };
    const answer = await resource.create(await server.namespace(), 'o', { spec });
    expect(causesOf(answer.body).map((cause) => cause['field'])).toEqual(['spec', 'spec', 'spec.tags']);
  });

  test('an object that its schema refuses is not asked for its rules, and says so', async () => {
    const resource = await shownOnes();
    const answer = await resource.create(await server.namespace(), 'o', { spec: { min: 'x', name: 'bad' } });
    expect(causesOf(answer.body)).toEqual([
      {
        reason: 'FieldValueTypeInvalid',
        field: 'spec.min',
        message: 'Invalid value: "string": spec.min in body must be of type integer: "string"',
      },
      invalid(
        '<nil>',
        'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      ),
    ]);
  });

  for (const [claim, first, then, cause] of [
    [
      'may not change what a rule freezes',
      { frozen: 'f' },
      { frozen: 'g' },
      invalid('spec.frozen', 'Invalid value: "g": is immutable'),
    ],
    ['may set for the first time what a rule freezes', {}, { frozen: 'g' }, undefined],
    ['may remove what a rule freezes', { frozen: 'f' }, { frozen: null }, undefined],
    ['may leave what a rule freezes', { frozen: 'f' }, { min: 1 }, undefined],
    [
      'is compared with what the object had',
      { name: 'n' },
      { name: null },
      {
        reason: 'FieldValueRequired',
        field: 'spec.name',
        message: 'Required value: name is required once set',
      },
    ],
    [
      'is compared item by item where items have keys',
      {
        keyed: [
          { k: 'a', v: 5 },
          { k: 'b', v: 6 },
        ],
      },
      {
        keyed: [
          { k: 'b', v: 6 },
          { k: 'a', v: 4 },
        ],
      },
      invalid('spec.keyed[1].v', 'Invalid value: 4: must not shrink'),
    ],
    [
      'may change the order of items with keys',
      {
        keyed: [
          { k: 'a', v: 5 },
          { k: 'b', v: 6 },
        ],
      },
      {
        keyed: [
          { k: 'b', v: 6 },
          { k: 'a', v: 5 },
        ],
      },
      undefined,
    ],
  ] as const) {
    test(`an update ${claim}`, async () => {
      const resource = await shownOnes();
      const ns = await server.namespace();
      await resource.create(ns, 'o', { spec: first });
      const answer = await resource.merge(ns, 'o', { spec: then });
      expect(answer.status).toBe(cause === undefined ? 200 : 422);
      expect(causesOf(answer.body)).toEqual(cause === undefined ? [] : [cause]);
    });
  }

  test('an optional oldSelf lets a rule hold for new objects too', async () => {
    const resource = await optionalOnes();
    const ns = await server.namespace();
    expect((await resource.create(ns, 'o', { spec: { v: 2 } })).status).toBe(201);
    const shrunk = await resource.merge(ns, 'o', { spec: { v: 1 } });
    expect(causesOf(shrunk.body)).toEqual([invalid('spec', 'Invalid value: must grow')]);
    expect((await resource.merge(ns, 'o', { spec: { v: 3 } })).status).toBe(200);
  });

  test('rules of the whole object see its name, and have no path', async () => {
    const resource = await rootOnes();
    const ns = await server.namespace();
    const misnamed = await resource.create(ns, 'x', { spec: { v: 1 } });
    expect(causesOf(misnamed.body)).toEqual([invalid('<nil>', 'Invalid value: name')]);
    const broken = await resource.create(ns, 'o', { spec: { v: 6 } });
    expect(causesOf(broken.body)).toEqual([
      invalid('<nil>', 'Invalid value: failed rule: !has(self.spec) || self.spec.v < 5'),
    ]);
  });

  test('rules hold for the status subresource too', async () => {
    const resource = await rootOnes();
    const ns = await server.namespace();
    await resource.create(ns, 'o', { spec: { v: 1 } });
    const answer = await resource.merge(ns, 'o/status', { status: { v: 7 } });
    expect(causesOf(answer.body)).toEqual([invalid('<nil>', 'Invalid value: status')]);
  });

  for (const [spec, broken] of [
    [{ s: 'A1' }, 'matches'],
    [{ s: 'abcdefg' }, 'size, size of'],
    [{ s: 'zed' }, 'lower'],
    [{ s: 'q' }, 'in'],
    [{ s: 'a' }, ''],
    [{ i: 3 }, 'even'],
    [{ i: 4 }, ''],
    [{ l: [9, 1] }, 'sum, sorted, bounds'],
    [{ l: [1, 1] }, 'one'],
    [{ l: [1, 3, 3, 3] }, 'sum, mapped'],
    [{ l: [1, 2] }, ''],
    [{ d: '2h' }, 'duration'],
    [{ d: '500ms' }, 'typed'],
    [{ d: '1h5s' }, 'duration'],
    [{ d: '30s' }, ''],
    [{ t: '2031-01-01T00:00:00Z' }, 'time'],
    [{ t: '2029-01-01T00:00:00Z' }, ''],
    [{ ios: 12 }, 'either'],
    [{ ios: '12' }, 'either'],
    [{ ios: '12%' }, ''],
    [{ e: 'B' }, 'enum'],
    [{ q: 'xx' }, 'is quantity'],
    [{ q: '3Gi' }, 'quantity'],
    [{ q: '1500M' }, ''],
    [{ b: false }, 'b'],
  ] as const) {
    test(`of the library's rules ${JSON.stringify(spec)} breaks: ${broken === '' ? 'none' : broken}`, async () => {
      const resource = await libraryOnes();
      const answer = await resource.create(await server.namespace(), 'o', { spec });
      const messages = causesOf(answer.body).map((cause) =>
        (cause['message'] as string).replace('Invalid value: ', ''),
      );
      expect(messages.join(', ')).toBe(broken);
    });
  }

  const at = 'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0]';
  const goRule = (rule: string, more: object = {}): string =>
    JSON.stringify({
      Rule: rule,
      Message: '',
      MessageExpression: '',
      Reason: null,
      FieldPath: '',
      OptionalOldSelf: null,
      ...more,
    }).replaceAll('>', String.raw`\u003e`);

  for (const [claim, rule, field, message] of [
    [
      'names a field that is not there',
      { rule: 'self.absent > 1' },
      'rule',
      `Invalid value: ${goRule('self.absent > 1')}: compilation failed: ERROR: <input>:1:5: undefined field 'absent'\n | self.absent > 1\n | ....^`,
    ],
    [
      'calls a function that is not there',
      { rule: 'nope(self)' },
      'rule',
      `Invalid value: ${goRule('nope(self)')}: compilation failed: ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')\n | nope(self)\n | ....^`,
    ],
    [
      'compares what cannot be compared',
      { rule: 'self.min > "x"' },
      'rule',
      `Invalid value: ${goRule('self.min > "x"')}: compilation failed: ERROR: <input>:1:10: found no matching overload for '_>_' applied to '(int, string)'\n | self.min > "x"\n | .........^`,
    ],
    ['is no expression', { rule: 'self.min >' }, 'rule', expect.stringContaining('Syntax error')],
    [
      'is neither true nor false',
      { rule: 'self.min' },
      'rule',
      `Invalid value: ${goRule('self.min')}: cel expression must evaluate to a bool`,
    ],
    ['is empty', { rule: '' }, 'rule', 'Required value: rule is not specified'],
    [
      'has a message of two lines',
      { rule: 'self.min > 1', message: 'a\nb' },
      'message',
      String.raw`Invalid value: "a\nb": must not contain line breaks`,
    ],
    [
      'has a blank message',
      { rule: 'self.min > 1', message: ' ' },
      'message',
      'Invalid value: " ": must be non-empty if specified',
    ],
    [
      'has a message expression that is no text',
      { rule: 'self.min > 1', messageExpression: 'self.min' },
      'messageExpression',
      `Invalid value: ${goRule('self.min > 1', { MessageExpression: 'self.min' })}: messageExpression must evaluate to a string`,
    ],
    [
      'has a reason that is none',
      { rule: 'self.min > 1', reason: 'Foo' },
      'reason',
      'Unsupported value: "Foo": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
    ],
    [
      'points at a field that is not there',
      { rule: 'self.min > 1', fieldPath: '.absent' },
      'fieldPath',
      'Invalid value: ".absent": must be a valid path',
    ],
  ] as const) {
    test(`a definition whose rule ${claim} is refused`, async () => {
      const schema = { type: 'object', properties: { min: { type: 'integer' } }, ...rules(rule) };
      const answer = await server.http.call('POST', definitions, { body: definition('refuseds', schema) });
      expect(answer.status).toBe(422);
      const causes = causesOf(answer.body).map((cause) => [cause['field'], cause['message']]);
      expect(causes).toEqual([[`${at}.${field}`, message]]);
    });
  }

  test('a rule cannot compare the items of a list that have no keys with what was before', async () => {
    const items = { type: 'integer', ...rules({ rule: 'self >= oldSelf' }) };
    const schema = { type: 'object', properties: { l: { type: 'array', maxItems: 5, items } } };
    const answer = await server.http.call('POST', definitions, { body: definition('refuseds', schema) });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain(
      'oldSelf cannot be used on the uncorrelatable portion of the schema within',
    );
  });
});
