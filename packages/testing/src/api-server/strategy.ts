/** What a kind does beyond storing its objects: which fields a write may set, what is filled in, what is refused. */
import { deepEqual } from '../object/equal.js';
import type { JsonObject } from '../object/json.js';
import type { FieldError } from '../object/status.js';
import type { Environment } from './environment.js';
import { numberAt, objectAt, withFields, withMetadata } from './meta.js';

export interface Strategy {
  /** A PUT to a name that does not exist creates the object. */
  readonly createsOnUpdate: boolean;
  /** A PUT without a resourceVersion overwrites whatever is stored. */
  readonly unconditionalUpdate: boolean;
  /** `metadata.generation` counts the changes of the desired state. */
  readonly countsGeneration: boolean;
  /** Annotations are part of the desired state. */
  readonly countsAnnotations: boolean;
  /** A DELETE answers the object even if it is gone at once. */
  readonly returnsDeleted: boolean;
  /** A DELETE that says nothing about its dependents leaves them alone. */
  readonly orphansByDefault: boolean;
  /** What of the metadata a write of the status leaves alone, and gives to nobody. */
  readonly keptByStatus: readonly (readonly string[])[];
  /** `status` is written through its own subresource only. */
  readonly hasStatus: boolean;
  /** Defaults, filled in as the object is read: whoever wrote the object owns them. */
  defaults(object: JsonObject): JsonObject;
  /** What the server decides by itself, and nobody owns. */
  prepareCreate(object: JsonObject, environment: Environment): JsonObject;
  prepareUpdate(next: JsonObject, before: JsonObject): JsonObject;
  /** What a write of the status subresource may change; everything else stays as it was. */
  prepareStatus(next: JsonObject, before: JsonObject): JsonObject;
  /** What reading fills into an object that is stored without it. */
  readonly onRead?: (object: JsonObject) => JsonObject;
  validate(object: JsonObject, before: JsonObject | undefined): readonly FieldError[];
}

const identity = (object: JsonObject): JsonObject => object;

const plain: Strategy = {
  createsOnUpdate: false,
  unconditionalUpdate: true,
  countsGeneration: false,
  countsAnnotations: false,
  returnsDeleted: false,
  orphansByDefault: false,
  keptByStatus: [],
  hasStatus: false,
  defaults: identity,
  prepareCreate: identity,
  prepareUpdate: identity,
  prepareStatus: (next, before) =>
    withFields(before, { status: next['status'] ?? {}, metadata: next['metadata'] }),
  validate: () => [],
};

/** The rules of a kind, as deviations from a plain object without status. */
export function strategy(rules: Partial<Strategy> = {}): Strategy {
  return { ...plain, ...rules };
}

/** The object as it is created: no status of its own, generation 1 where generations are counted. */
export function beginLife(object: JsonObject, { hasStatus, countsGeneration }: Strategy): JsonObject {
  const bare = hasStatus ? withFields(object, { status: undefined }) : object;
  return countsGeneration ? withMetadata(bare, { generation: 1 }) : bare;
}

/** An update through the object itself: status stays, generation counts on if the desired state changed. */
export function continueLife(next: JsonObject, before: JsonObject, rules: Strategy): JsonObject {
  const kept = rules.hasStatus ? withFields(next, { status: before['status'] }) : next;
  return withMetadata(kept, { generation: nextGeneration(kept, before, rules) });
}

function nextGeneration(next: JsonObject, before: JsonObject, rules: Strategy): number | undefined {
  const generation = numberAt(before, ['metadata', 'generation']);
  if (!rules.countsGeneration) return generation === 0 ? undefined : generation;
  const annotated = rules.countsAnnotations && !deepEqual(annotationsOf(next), annotationsOf(before));
  return !annotated && sameDesire(next, before, rules.hasStatus) ? generation : generation + 1;
}

const annotationsOf = (object: JsonObject): JsonObject => objectAt(object, 'metadata', 'annotations');

function sameDesire(next: JsonObject, before: JsonObject, hasStatus: boolean): boolean {
  const blank = { metadata: undefined, ...(hasStatus ? { status: undefined } : {}) };
  return deepEqual(withFields(next, blank), withFields(before, blank));
}
