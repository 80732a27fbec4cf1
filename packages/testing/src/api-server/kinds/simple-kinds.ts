/** The rules of the kinds that hold data rather than run something. */
import { deepEqual } from '../../object/equal.js';
import { fieldForbidden, fieldInvalid } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import { valueAt } from '../../object/json.js';
import type { JsonObject, MutableJsonObject } from '../../object/json.js';
import { listAt, nameOf, objectAt, textAt, withFields, withMetadata } from '../meta.js';
import { strategy } from '../strategy.js';
import { fill, within, withinEach } from './defaults.js';

const immutable = 'field is immutable';

function dataKeyErrors(object: JsonObject, field: string): readonly FieldError[] {
  return Object.keys(objectAt(object, field))
    .filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === '.' || key.startsWith('..'))
    .map((key) =>
      fieldInvalid(
        `${field}[${key}]`,
        key,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ),
    );
}

function frozenErrors(
  object: JsonObject,
  before: JsonObject | undefined,
  fields: readonly string[],
): readonly FieldError[] {
  if (before?.['immutable'] !== true) return [];
  const errors = fields
    .filter((field) => !deepEqual(object[field] ?? {}, before[field] ?? {}))
    .map((field) => fieldForbidden(field, 'field is immutable when `immutable` is set'));
  if (object['immutable'] === true) return errors;
  return [fieldForbidden('immutable', 'field is immutable when `immutable` is set'), ...errors];
}

/** A key holds text or bytes, not both. */
function twiceErrors(object: JsonObject): readonly FieldError[] {
  const binary = objectAt(object, 'binaryData');
  return Object.keys(objectAt(object, 'data'))
    .filter((key) => Object.hasOwn(binary, key))
    .map((key) => fieldInvalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
}

export const configMaps = strategy({
  validate: (object, before) => [
    ...dataKeyErrors(object, 'data'),
    ...twiceErrors(object),
    ...dataKeyErrors(object, 'binaryData'),
    ...frozenErrors(object, before, ['data', 'binaryData']),
  ],
});

/** `stringData` is written only: it ends up in `data`. */
function foldStringData(secret: JsonObject): JsonObject {
  const plain = Object.keys(objectAt(secret, 'stringData'));
  const encoded = plain.map((key) => [
    key,
    Buffer.from(textAt(secret, 'stringData', key)).toString('base64'),
  ]);
  const data = { ...objectAt(secret, 'data'), ...(Object.fromEntries(encoded) as JsonObject) };
  const merged = withFields(secret, { stringData: undefined, ...(plain.length > 0 ? { data } : {}) });
  return textAt(merged, 'type') === '' ? { ...merged, type: 'Opaque' } : merged;
}

export const secrets = strategy({
  defaults: foldStringData,
  validate: (object, before) => [
    ...dataKeyErrors(object, 'data'),
    ...(before !== undefined && object['type'] !== before['type']
      ? [fieldInvalid('type', textAt(object, 'type'), immutable)]
      : []),
    ...frozenErrors(object, before, ['data']),
  ],
});

function validateLease(object: JsonObject): readonly FieldError[] {
  const spec = objectAt(object, 'spec');
  const duration = spec['leaseDurationSeconds'];
  const transitions = spec['leaseTransitions'];
  const errors: FieldError[] = [];
  if (typeof duration === 'number' && duration <= 0) {
    errors.push(fieldInvalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  }
  if (typeof transitions === 'number' && transitions < 0) {
    errors.push(fieldInvalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  }
  return errors;
}

/** Coordinated election is off, so the fields that belong to it are dropped. */
const withoutStrategy = (lease: JsonObject): JsonObject =>
  within(lease, 'spec', (spec) => withFields(spec, { strategy: undefined, preferredHolder: undefined }));

export const leases = strategy({
  createsOnUpdate: true,
  unconditionalUpdate: false,
  defaults: (lease) => fill(lease, { spec: {} }),
  prepareCreate: withoutStrategy,
  prepareUpdate: withoutStrategy,
  validate: validateLease,
});

const nameLabel = 'kubernetes.io/metadata.name';
const labelByName = (namespace: JsonObject): JsonObject =>
  withMetadata(namespace, {
    labels: { ...objectAt(namespace, 'metadata', 'labels'), [nameLabel]: nameOf(namespace) },
  });

export const namespaces = strategy({
  hasStatus: true,
  prepareCreate: (object) => ({
    ...object,
    spec: { finalizers: withKubernetesFinalizer(object) },
    status: { phase: 'Active' },
  }),
  defaults: labelByName,
  prepareUpdate: (next, before) => withFields(next, { spec: before['spec'], status: before['status'] }),
});

function withKubernetesFinalizer(object: JsonObject): readonly string[] {
  const given = listAt(object, 'spec', 'finalizers').filter((item) => typeof item === 'string');
  return given.includes('kubernetes') ? given : [...given, 'kubernetes'];
}

/** References to secrets are by name within the namespace. */
const namesOfSecrets = (account: JsonObject): JsonObject =>
  withinEach(account, 'secrets', (reference) => ({ name: textAt(reference, 'name') }));

export const serviceAccounts = strategy({
  returnsDeleted: true,
  prepareCreate: namesOfSecrets,
  prepareUpdate: namesOfSecrets,
});

export const nodes = strategy({
  hasStatus: true,
  prepareCreate: (object) =>
    within(fill(object, { spec: {}, status: {} }), 'spec', (spec) =>
      fill(spec, { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
    ),
});

export const disruptionBudgets = strategy({
  unconditionalUpdate: false,
  hasStatus: true,
  countsGeneration: true,
  prepareCreate: (object) => ({
    ...object,
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  }),
});

const fillService = (service: JsonObject): JsonObject =>
  within(fill(service, { spec: {} }), 'spec', (spec) => {
    const filled = fill(spec, {
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
    });
    return withinEach(filled, 'ports', (port) =>
      fill(port, { protocol: 'TCP', targetPort: port['port'] ?? null }),
    );
  });

/** No addresses are given out: `spec.clusterIP` stays as it was sent. */
export const services = strategy({
  createsOnUpdate: true,
  returnsDeleted: true,
  hasStatus: true,
  defaults: fillService,
  prepareCreate: (object) => ({ ...object, status: { loadBalancer: {} } }),
});

export const ingresses = strategy({
  hasStatus: true,
  countsGeneration: true,
  prepareCreate: (object) => ({ ...object, status: { loadBalancer: {} } }),
  validate: (object) => {
    const spec = objectAt(object, 'spec');
    return spec['defaultBackend'] === undefined && listAt(spec, 'rules').length === 0
      ? [fieldInvalid('spec', [], 'either `defaultBackend` or `rules` must be specified')]
      : [];
  },
});

export const volumeClaims = strategy({
  returnsDeleted: true,
  hasStatus: true,
  defaults: (object) =>
    within(fill(object, { spec: {} }), 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem' })),
  prepareCreate: (object) => ({ ...object, status: { phase: 'Pending' } }),
  validate: (object, before) =>
    before !== undefined && !deepEqual(fixedPart(object, before), fixedPart(before, before))
      ? [
          fieldForbidden(
            'spec',
            'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
          ),
        ]
      : [],
});

/** What of a claim's spec nobody may change any more: its size only while it is bound. */
function fixedPart(claim: JsonObject, before: JsonObject): JsonObject {
  const isBound = textAt(before, 'status', 'phase') === 'Bound';
  const free = { volumeAttributesClassName: undefined, ...(isBound && { resources: undefined }) };
  return withFields(objectAt(claim, 'spec'), free);
}

/** Copies into a new object, for kinds whose stored form differs. */
export function pick(object: JsonObject, fields: Readonly<Record<string, string>>): JsonObject {
  const picked: MutableJsonObject = {};
  for (const [from, to] of Object.entries(fields)) {
    const value = valueAt(object, from);
    if (value !== undefined) picked[to] = value;
  }
  return picked;
}
