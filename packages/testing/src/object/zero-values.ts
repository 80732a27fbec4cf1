/** The fields that the server writes even if nobody set them: those of a built-in kind's structs. */
import { hasKey, isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { referenceOf, resolve } from './schema.js';
import type { Schema } from './schema.js';

const counts = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };

/** Optional by their schema, and written all the same. */
const alwaysWritten: Readonly<Record<string, JsonObject>> = {
  'io.k8s.api.apps.v1.StatefulSetStatus': { availableReplicas: 0 },
  'io.k8s.api.core.v1.Event': {
    firstTimestamp: null,
    lastTimestamp: null,
    eventTime: null,
    reportingComponent: '',
    reportingInstance: '',
  },
  'io.k8s.api.events.v1.Event': { deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null },
  'io.k8s.api.policy.v1.PodDisruptionBudgetStatus': counts,
  'io.k8s.api.rbac.v1.ClusterRole': { rules: null },
  'io.k8s.api.rbac.v1.Role': { rules: null },
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus': {
    conditions: null,
  },
};

/** Whether a field is written even if it is empty, though it need not be given. */
export function isAlwaysWritten(schema: Schema, field: string): boolean {
  return hasKey(alwaysWritten[referenceOf(schema) ?? ''] ?? {}, field);
}

/** A new object of a built-in kind, as the server sees one before anything is set; a custom resource has nothing. */
export function newObject(schema: Schema): JsonObject {
  return schema.$ref === undefined ? {} : withZeroValues({}, schema);
}

/**
 * Adds what the server writes for a built-in kind: `status: {}`, `resources: {}` of a container, null for a required
 * list that was left out.
 */
export function withZeroValues(object: JsonObject, schema: Schema): JsonObject {
  const { properties = {}, required = [] } = resolve(schema);
  const result: MutableJsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    const below = hasKey(properties as never, key) ? properties[key] : undefined;
    setKey(result, key, below === undefined ? value : complete(value, below));
  }
  for (const [key, below] of Object.entries(properties)) {
    const zero = hasKey(object, key) ? undefined : zeroValue(below, required.includes(key));
    if (zero !== undefined) setKey(result, key, zero);
  }
  for (const [key, zero] of Object.entries(alwaysWritten[referenceOf(schema) ?? ''] ?? {})) {
    if (!hasKey(result, key)) result[key] = zero;
  }
  return result;
}

function complete(value: Json, schema: Schema): Json {
  const node = resolve(schema);
  const { items, additionalProperties } = node;
  if (isJsonArray(value)) return items === undefined ? value : value.map((item) => complete(item, items));
  if (!isJsonObject(value)) return value;
  if (node.properties !== undefined) return withZeroValues(value, schema);
  if (typeof additionalProperties !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, complete(item, additionalProperties)]),
  );
}

/** A struct that is no pointer is always there, and so is whatever is required. */
function zeroValue(schema: Schema, required: boolean): Json | undefined {
  const node = resolve(schema);
  if (isJsonObject(schema.default) && node.properties !== undefined) return withZeroValues({}, schema);
  if (!required) return undefined;
  return schema.default === undefined || isJsonObject(schema.default) ? null : schema.default;
}
