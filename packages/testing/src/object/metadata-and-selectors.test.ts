import { describe, expect, test } from '@jest/globals';
import { isJsonObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import { generateName, nameFormatOf, nameMismatch, validateMeta, validateMetaUpdate } from './object-meta.js';
import type { MetaRules } from './object-meta.js';
import { schemaFor } from './schema.js';
import {
  builtInFields,
  compileFieldSelector,
  customResourceFields,
  labelSelectorOf,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from './selectors.js';
import {
  alreadyExists,
  conflict,
  forbidden,
  internal,
  invalid,
  missingResourceVersion,
  notFound,
  StatusError,
  timeout,
} from './status.js';
import {
  cannotBeHandled,
  decodeBuiltIn,
  patchCannotBeDecoded,
  strictDecodingError,
} from './unknown-fields.js';
import { withZeroValues } from './zero-values.js';

const rules: MetaRules = { nameFormat: 'subdomain', namespaced: true };
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const namePart =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const problems = (metadata: JsonObject, given: Partial<MetaRules> = {}): readonly string[] =>
  validateMeta({ namespace: 'default', ...metadata }, { ...rules, ...given }).map(
    ({ field, message }) => `${field}: ${message}`,
  );

describe('metadata', () => {
  test.each<readonly [string, JsonObject, readonly string[]]>([
    ['a good name', { name: 'a.b-c' }, []],
    ['no name', {}, ['metadata.name: Required value: name or generateName is required']],
    ['a bad name', { name: 'T_' }, [`metadata.name: Invalid value: "T_": ${subdomain}`]],
    [
      'a long name',
      { name: 'a'.repeat(254) },
      [`metadata.name: Invalid value: "${'a'.repeat(254)}": must be no more than 253 characters`],
    ],
    [
      'a bad label key',
      { name: 'a', labels: { '-': 'x' } },
      [`metadata.labels: Invalid value: "-": ${namePart}`],
    ],
    [
      'a long label key',
      { name: 'a', labels: { ['k'.repeat(64)]: '' } },
      [`metadata.labels: Invalid value: "${'k'.repeat(64)}": name part must be no more than 63 bytes`],
    ],
    ['an annotation in capitals', { name: 'a', annotations: { 'UP/x': 'y' } }, []],
    [
      'a finalizer with two slashes',
      { name: 'a', finalizers: ['a/b/c'] },
      [
        `metadata.finalizers: Invalid value: "a/b/c": ${namePart.replace('name part', 'a valid label key')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ],
    ],
    [
      'an owner without uid',
      { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x' }] },
      ['metadata.ownerReferences[0].uid: Required value: must not be empty'],
    ],
    [
      'an Event for an owner',
      { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Event', name: 'x', uid: 'u' }] },
      [
        'metadata.ownerReferences[0]: Invalid value: {"apiVersion":"v1","kind":"Event","name":"x","uid":"u"}: /v1, Kind=Event is disallowed from being an owner',
      ],
    ],
    [
      'both deletion finalizers',
      { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] },
      [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
      ],
    ],
  ])('with %s', (_claim, metadata, expected) => {
    expect(problems(metadata)).toEqual(expected);
  });

  test('names two controllers', () => {
    const owner = (kind: string) => ({ apiVersion: 'v1', kind, name: 'x', uid: kind, controller: true });
    expect(problems({ name: 'a', ownerReferences: [owner('A'), owner('B')] })).toEqual([
      expect.stringContaining(
        'Only one reference can have Controller set to true. Found "true" in references for A/x and B/x',
      ),
    ]);
  });

  test.each([
    ['', 'Namespace', 'a.b', 'must not contain dots'],
    ['rbac.authorization.k8s.io', 'Role', 'A%', "may not contain '%'"],
    ['', 'ConfigMap', 'A', subdomain],
  ])('of %s %s refuses the name %s', (group, kind, name, problem) => {
    expect(problems({ name }, { nameFormat: nameFormatOf({ group, kind }) })).toEqual([
      `metadata.name: Invalid value: "${name}": ${problem}`,
    ]);
  });

  test('may want finalizers with a domain', () => {
    expect(
      problems({ name: 'a', finalizers: ['x', 'kubernetes', 'a/b'] }, { qualifiedFinalizers: true }),
    ).toEqual([
      'metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });

  test('of an update may not change what is fixed, nor add finalizers to what is being deleted', () => {
    const before = {
      name: 'a',
      uid: '1',
      resourceVersion: '5',
      deletionTimestamp: '2026-01-01T00:00:00Z',
      finalizers: ['a/b'],
    };
    const after = { ...before, uid: 'xx', finalizers: ['a/b', 'e/f', 'c/d'] };
    expect(validateMetaUpdate(after, before).map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d", "e/f"}',
      'metadata.uid: Invalid value: "xx": field is immutable',
    ]);
    expect(validateMetaUpdate(before, before)).toEqual([]);
  });

  test('gets generated names of at most 63 characters', () => {
    expect(generateName('job-', () => 0)).toBe('job-bbbbb');
    expect(generateName('x'.repeat(80), () => 0.999)).toBe(`${'x'.repeat(58)}99999`);
  });

  test('without the name of the path is a bad request', () => {
    expect(nameMismatch('', 'a').status.message).toBe(
      'the name of the object (a based on URL) was undeterminable: name must be provided',
    );
    expect(nameMismatch('b', 'a').status.message).toBe(
      'the name of the object (b) does not match the name on the URL (a)',
    );
  });
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 400) return error.status.message;
    throw error;
  }
  throw new Error('expected a bad request');
}

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'a', n: '5' };

  test.each<readonly [string, boolean]>([
    ['', true],
    ['app', true],
    ['!app', false],
    ['missing', false],
    ['!missing', true],
    ['app=web,tier==a', true],
    ['app=db', false],
    ['app!=db', true],
    ['missing!=x', true],
    ['tier in (a, b)', true],
    ['tier notin (a,b)', false],
    ['missing notin (a)', true],
    ['missing in ()', false],
    ['n>4', true],
    ['n>5', false],
    ['n<6,app', true],
    ['app>1', false],
    [' app = web ', true],
    ['in in (in)', false],
    ['app=', false],
  ])('%j matches: %s', (text, expected) => {
    expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected);
  });

  test.each([
    ['a,,b', "found ',', expected: identifier after ','"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['*=b', `unable to parse requirement: <nil>: Invalid value: "*": ${namePart}`],
    [
      'a>x',
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ])('%j is refused', (text, message) => {
    expect(messageOf(() => parseLabelSelector(text))).toBe(message);
  });

  test('comes out of a spec too', () => {
    const selector = labelSelectorOf({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'NotIn', values: ['b'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    });
    expect(matchesLabels(selector, labels)).toBe(true);
    expect(matchesLabels(selector, { ...labels, old: '1' })).toBe(false);
  });

  test('finds no label in what every object inherits', () => {
    expect(matchesLabels(parseLabelSelector('constructor'), {})).toBe(false);
  });
});

describe('a field selector', () => {
  const pod = {
    metadata: { name: 'p', namespace: 'd' },
    spec: { nodeName: 'n1' },
    status: { phase: 'Running' },
  };
  const matches = (text: string): boolean =>
    compileFieldSelector(parseFieldSelector(text), builtInFields({ group: '', kind: 'Pod' }))(pod);

  test.each<readonly [string, boolean]>([
    ['', true],
    ['metadata.name=p', true],
    ['metadata.name!=p', false],
    ['status.phase=Running,spec.nodeName=n1', true],
    ['status.phase=Running,spec.nodeName=n2', false],
    ['status.podIP=', true],
    ['spec.hostNetwork=false', true],
    [String.raw`metadata.name=a\,b`, false],
  ])('%j matches: %s', (text, expected) => {
    expect(matches(text)).toBe(expected);
  });

  test.each([
    ['foo=bar', 'field label not supported: foo'],
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['metadata.name=b=c', 'invalid field selector: unescaped character in value: 61'],
    [String.raw`metadata.name=\x`, String.raw`invalid field selector: invalid escape sequence: \x`],
  ])('%j is refused', (text, message) => {
    expect(messageOf(() => matches(text))).toBe(message);
  });

  test.each([
    [
      'coordination.k8s.io',
      'Lease',
      '"x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['batch', 'Job', 'field label "x" not supported for Job'],
    ['', 'Event', 'field label not supported: x'],
  ])('for %s %s says what is not supported', (group, kind, message) => {
    expect(
      messageOf(() => compileFieldSelector(parseFieldSelector('x=y'), builtInFields({ group, kind }))),
    ).toBe(message);
  });

  test('knows the selectable fields of a custom resource', () => {
    const check = compileFieldSelector(
      parseFieldSelector('spec.color=red'),
      customResourceFields(['.spec.color']),
    );
    expect([check({ spec: { color: 'red' } }), check({ spec: {} })]).toEqual([true, false]);
    expect(
      messageOf(() =>
        compileFieldSelector(parseFieldSelector('spec.size=1'), customResourceFields(['.spec.color'])),
      ),
    ).toBe('field label not supported: spec.size');
  });
});

describe('decoding a built-in kind', () => {
  const lease = schemaFor({ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease' }) ?? {};
  const pod = schemaFor({ group: '', version: 'v1', kind: 'Pod' }) ?? {};

  test('lists unknown fields in the order of the document and drops them', () => {
    const body = {
      metadata: { name: 'l', foo: 1 },
      spec: { foo: { bar: 1 }, leaseDurationSeconds: 4 },
      bar: 1,
    };
    expect(decodeBuiltIn(body, lease)).toEqual({
      object: { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 4 } },
      unknown: ['unknown field "metadata.foo"', 'unknown field "spec.foo"', 'unknown field "bar"'],
      problem: undefined,
    });
    const containers = [{ name: 'a', ports: [{ containerPort: 1, q: 1 }] }];
    expect(decodeBuiltIn({ spec: { containers } }, pod).unknown).toEqual([
      'unknown field "spec.containers[0].ports[0].q"',
    ]);
  });

  test('stores times in UTC, drops nulls and empty maps, keeps empty strings', () => {
    const body = {
      metadata: { name: 'l', labels: {}, annotations: null },
      spec: { holderIdentity: '', renewTime: '2026-11-23T19:12:00.123456+01:00' },
    };
    expect(decodeBuiltIn(body, lease).object).toEqual({
      metadata: { name: 'l' },
      spec: { holderIdentity: '', renewTime: '2026-11-23T18:12:00.123456Z' },
    });
  });

  test.each<readonly [Json, string]>([
    [
      { spec: { leaseDurationSeconds: 'x' } },
      'json: cannot unmarshal string into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32',
    ],
    [
      { spec: { leaseDurationSeconds: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32',
    ],
    [
      { spec: { leaseDurationSeconds: 99999999999 } },
      'json: cannot unmarshal number 99999999999 into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32',
    ],
    [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Lease.spec of type v1.LeaseSpec'],
    [
      { metadata: { labels: { a: 5 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { metadata: { finalizers: 'x' } },
      'json: cannot unmarshal string into Go struct field ObjectMeta.metadata.finalizers of type []string',
    ],
    [
      { spec: { renewTime: '2026-11-23T19:12:00Z' } },
      'parsing time "2026-11-23T19:12:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    ],
    [
      { spec: { renewTime: '2026-11-23T19:12:00.123Z' } },
      'parsing time "2026-11-23T19:12:00.123Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse ".123Z" as ".000000"',
    ],
    [
      { spec: { renewTime: '2026-11-23T19:12:00.123456789Z' } },
      'parsing time "2026-11-23T19:12:00.123456789Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "789Z" as "Z07:00"',
    ],
    [
      { spec: { renewTime: '2026-02-30T19:12:00.123456Z' } },
      'parsing time "2026-02-30T19:12:00.123456Z": day out of range',
    ],
  ])('reports %j', (body, problem) => {
    expect(decodeBuiltIn(isJsonObject(body) ? body : {}, lease).problem).toBe(problem);
  });

  test('has other words for what a strategic merge patch made', () => {
    expect(decodeBuiltIn({ spec: 'x' }, lease, 'map').problem).toBe('cannot restore struct from: string');
    expect(decodeBuiltIn({ metadata: { labels: { a: 5 } } }, lease, 'map').problem).toBe(
      'cannot convert int64 to string',
    );
    const { status } = patchCannotBeDecoded('map[spec:x]', 'cannot restore struct from: string');
    expect([status.code, status.message]).toEqual([
      422,
      ' "" is invalid: patch: Invalid value: "map[spec:x]": cannot restore struct from: string',
    ]);
  });

  test('says what could not be handled', () => {
    const { status } = cannotBeHandled(
      { group: '', version: 'v1', kind: 'Pod' },
      strictDecodingError(['unknown field "a"', 'unknown field "b"']),
    );
    expect(status).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message:
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "a", unknown field "b"',
    });
  });

  test('is followed by the fields that are always written', () => {
    const { object } = decodeBuiltIn({ metadata: { name: 'p' }, spec: { containers: [{ name: 'a' }] } }, pod);
    expect(withZeroValues(object, pod)).toEqual({
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'a', resources: {} }] },
      status: {},
    });
    const deployment = schemaFor({ group: 'apps', version: 'v1', kind: 'Deployment' }) ?? {};
    expect(withZeroValues({}, deployment)).toMatchObject({
      spec: { selector: null, template: { spec: { containers: null } } },
    });
    const role = schemaFor({ group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'Role' }) ?? {};
    expect(withZeroValues({ metadata: {} }, role)).toEqual({ metadata: {}, rules: null });
  });
});

describe('a status', () => {
  const leases = { group: 'coordination.k8s.io', plural: 'leases' };

  test('names the group behind the resource, and no group for the core', () => {
    expect(notFound(leases, 'a').status).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'leases.coordination.k8s.io "a" not found',
      reason: 'NotFound',
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
      code: 404,
    });
    expect(notFound({ group: '', plural: 'pods' }, 'a').status).toMatchObject({
      message: 'pods "a" not found',
      details: { name: 'a', kind: 'pods' },
    });
  });

  test.each([
    [alreadyExists(leases, 'a'), 409, 'leases.coordination.k8s.io "a" already exists'],
    [
      conflict(leases, 'a'),
      409,
      'Operation cannot be fulfilled on leases.coordination.k8s.io "a": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [forbidden(leases, '', 'no'), 403, 'leases.coordination.k8s.io is forbidden: no'],
    [
      missingResourceVersion(leases, 'a'),
      422,
      'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ],
    [internal('boom'), 500, 'Internal error occurred: boom'],
    [timeout('slow'), 504, 'Timeout: slow'],
  ])('has the code and words of the server: %s', ({ status }, code, message) => {
    expect([status.code, status.message]).toEqual([code, message]);
  });

  test('lists several causes in brackets, the same words once', () => {
    const cause = { reason: 'FieldValueRequired' as const, message: 'Required value', field: 'a' };
    const { status } = invalid({ group: 'g', kind: 'K' }, 'n', [cause, { ...cause, field: 'b' }, cause]);
    expect(status.message).toBe('K.g "n" is invalid: [a: Required value, b: Required value]');
    expect(status.details?.causes).toHaveLength(3);
  });
});
