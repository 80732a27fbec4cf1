/** Creating and updating objects: every accepted write, whoever asks for it, goes through here. */
import { trackUpdate } from '../object/apply.js';
import { deepEqual } from '../object/equal.js';
import { fieldInvalid } from '../object/field-error.js';
import { isJsonObject, valueAt } from '../object/json.js';
import type { Json, JsonObject } from '../object/json.js';
import {
  StatusError,
  alreadyExists,
  beingDeleted,
  conflict,
  failure,
  forbidden,
  invalid,
  notFound,
  unknownError,
} from '../object/status.js';
import type { FieldError } from '../object/status.js';
import { keyOf } from './collection.js';
import type { Stored } from './collection.js';
import { formatTime } from './environment.js';
import type { Environment } from './environment.js';
import type { Journal } from './journal.js';
import { bear, carryOver, isDone, withoutLife } from './life-cycle.js';
import {
  isTerminating,
  listAt,
  nameOf,
  namespaceOf,
  numberAt,
  objectAt,
  textAt,
  uidOf,
  versionOf,
  withFields,
  withMetadata,
} from './meta.js';
import { finalizerWarnings, metadataErrors, metadataUpdateErrors } from './metadata-rules.js';
import type { Resource } from './resource.js';
import { beginLife, continueLife } from './strategy.js';
import type { Strategy } from './strategy.js';
import type { Storage } from './storage.js';
import type { WriteContext } from './write-context.js';

export interface Written {
  /** In the version of the resource that was written. */
  readonly object: JsonObject;
  /** Absent after a dry run, and after a write that removed the object. */
  readonly stored: Stored | undefined;
  /** What is odd about an object that was accepted. */
  readonly warnings?: readonly string[];
}

export interface TrackOptions {
  /** managedFields are in the object already, as server-side apply leaves them. */
  readonly tracked?: boolean;
  /** A PUT creates the object: what it says of the object's life is dropped, and owned all the same. */
  readonly byUpdate?: boolean;
}

export class Objects {
  readonly #storage: Storage;
  readonly #environment: Environment;
  readonly #journal: Journal;

  constructor(storage: Storage, environment: Environment, journal: Journal) {
    this.#storage = storage;
    this.#environment = environment;
    this.#journal = journal;
  }

  find(resource: Resource, namespace: string, name: string): Stored | undefined {
    return this.#storage.collection(resource.definition.storedAs).get(namespace, name);
  }

  /** @throws StatusError 404 */
  get(resource: Resource, namespace: string, name: string): Stored {
    const stored = this.find(resource, namespace, name);
    if (stored === undefined) throw notFound(resource.groupResource, name);
    return stored;
  }

  /**
   * Stores a new object.
   *
   * @throws StatusError 409 if the name is taken, 422 if the object is invalid, 403 in a namespace that is going away
   */
  create(
    resource: Resource,
    sent: JsonObject,
    context: WriteContext,
    { tracked = false, byUpdate = false }: TrackOptions = {},
  ): Written {
    const { strategy, namespaced } = resource.definition;
    const namespace = namespaced ? namespaceOf(sent) : '';
    this.#assertDefinitionStays(resource, nameOf(sent));
    this.#assertNamespaceAccepts(
      resource,
      namespace,
      nameOf(sent) || textAt(sent, 'metadata', 'generateName'),
    );
    const begun = byUpdate ? beginLife(sent, strategy) : withoutLife(beginLife(sent, strategy));
    const owned = tracked ? begun : this.#track(resource, undefined, begun, context);
    const born = bear(withoutLife(owned), namespace, this.#environment);
    const object = strategy.prepareCreate(born, this.#environment);
    assertValid(resource, object, [
      ...metadataErrors(object, resource),
      ...strategy.validate(this.#asValidated(resource, object), undefined),
    ]);
    if (!context.dryRun) assertNoVersion(sent);
    const present = this.find(resource, namespace, nameOf(object));
    if (present !== undefined) {
      const taken = isTerminating(present.object) ? beingDeleted : alreadyExists;
      const failed = taken(resource.groupResource, nameOf(object));
      throw textAt(sent, 'metadata', 'generateName') === '' ? failed : noUniqueName(failed);
    }
    return { ...this.#store(resource, object, context), warnings: finalizerWarnings(object, resource) };
  }

  /**
   * Stores a new state of an object, or leaves it as it is if nothing changed.
   *
   * The caller has compared resourceVersions: writes never wait, so what is `before` now is still stored.
   *
   * @throws StatusError 422 if the new state is invalid
   */
  update(
    resource: Resource,
    before: Stored,
    sent: JsonObject,
    context: WriteContext,
    { tracked = false }: TrackOptions = {},
  ): Written {
    const { strategy } = resource.definition;
    const old = resource.view(before);
    const carried = carryOver(sent, old);
    // What the strategy takes back of a write to the object itself has an owner all the same.
    const early = !tracked && context.subresource === '';
    const owned = early ? this.#trackSent(resource, old, sent, carried, context) : carried;
    const next = prepare(strategy, owned, old, context.subresource);
    const final = tracked || early ? next : this.#trackSent(resource, old, sent, next, context);
    // Whoever writes what is there already changes nothing, whatever the time.
    const object = deepEqual(timeless(final), timeless(old)) ? old : final;
    assertValid(resource, object, [
      ...metadataUpdateErrors(object, old, resource),
      ...strategy.validate(this.#asValidated(resource, object), this.#asValidated(resource, old)),
    ]);
    // Not with what was read: a default that reading fills in is written by the next update.
    const isStored = deepEqual(resource.toStorage(object), before.object);
    if (isStored && deepEqual(object, old)) return this.#unchanged(resource, before, context);
    if (isDone(object)) return this.#finish(resource, before, object, context);
    const warnings = finalizerWarnings(object, resource, old);
    return { ...this.#store(resource, object, context), warnings };
  }

  /** Removes an object for good; its finalizers are the caller's business. */
  remove(resource: Resource, stored: Stored, context: WriteContext): JsonObject {
    if (context.dryRun) return resource.view(stored);
    const collection = this.#storage.collection(resource.definition.storedAs);
    const last = this.#storage.remove(collection, stored);
    const object = resource.view(last);
    this.#journal.record(context, { resource, object, changed: true, removed: true });
    return object;
  }

  /** Stores a state that the server itself decided on, without rules; `before` is given if the change has an owner. */
  replace(resource: Resource, object: JsonObject, context: WriteContext, before?: Stored): Written {
    const owned =
      before === undefined ? object : this.#track(resource, resource.view(before), object, context);
    return this.#store(resource, owned, context);
  }

  #unchanged(resource: Resource, stored: Stored, context: WriteContext): Written {
    const object = resource.view(stored);
    if (!context.dryRun) this.#journal.record(context, { resource, object, changed: false, removed: false });
    return { object, stored };
  }

  /** The write took the last finalizer: the object goes, in the state it was stored in. */
  #finish(resource: Resource, before: Stored, object: JsonObject, context: WriteContext): Written {
    this.remove(resource, before, context);
    return { object, stored: undefined };
  }

  #store(resource: Resource, object: JsonObject, context: WriteContext): Written {
    if (context.dryRun) return { object: asRead(resource, object), stored: undefined };
    const collection = this.#storage.collection(resource.definition.storedAs);
    const stored = this.#storage.put(collection, resource.toStorage(object));
    const view = resource.view(stored);
    this.#journal.record(context, { resource, object: view, changed: true, removed: false });
    return { object: view, stored };
  }

  /** Deletion is carried over only after its fields have lost the owners who left them out. */
  #trackSent(
    resource: Resource,
    before: JsonObject,
    sent: JsonObject,
    carried: JsonObject,
    context: WriteContext,
  ): JsonObject {
    const deletionOf = (object: JsonObject) => ({
      deletionTimestamp: valueAt(object, 'metadata', 'deletionTimestamp'),
      deletionGracePeriodSeconds: valueAt(object, 'metadata', 'deletionGracePeriodSeconds'),
    });
    const written = withMetadata(carried, deletionOf(sent));
    return withMetadata(this.#track(resource, before, written, context), deletionOf(carried));
  }

  #track(
    resource: Resource,
    before: JsonObject | undefined,
    after: JsonObject,
    context: WriteContext,
  ): JsonObject {
    const owned = trackUpdate({
      before,
      after,
      manager: context.fieldManager,
      subresource: context.subresource,
      now: formatTime(this.#environment.now()),
      apiVersion: resource.apiVersion,
      schema: resource.definition.schema,
      resetFields: resetFields(resource, context.subresource),
    });
    return context.subresource === 'scale' ? withScaleOwners(owned, before ?? {}) : owned;
  }

  /** Rules of a kind that is shown in two groups look at the form that is stored. */
  #asValidated(resource: Resource, object: JsonObject): JsonObject {
    return resource.definition.custom ? object : resource.toStorage(object);
  }

  /** @throws StatusError 403: a definition that is going away takes no new objects along */
  #assertDefinitionStays({ definition, groupResource }: Resource, name: string): void {
    if (!definition.custom) return;
    const definitions = this.#storage.collection('apiextensions.k8s.io/customresourcedefinitions');
    const found = definitions.get('', `${definition.plural}.${definition.group}`);
    if (found === undefined || !isTerminating(found.object)) return;
    throw forbidden(
      groupResource,
      name,
      'create not allowed while custom resource definition is terminating',
    );
  }

  #assertNamespaceAccepts(resource: Resource, namespace: string, name: string): void {
    if (namespace === '') return;
    const found = this.#storage.collection('/namespaces').get('', namespace);
    if (found === undefined) throw notFound({ group: '', plural: 'namespaces' }, namespace);
    if (!isTerminating(found.object)) return;
    throw terminatingNamespace(resource, namespace, name);
  }
}

function asRead(resource: Resource, object: JsonObject): JsonObject {
  return resource.definition.fromStorage?.(resource.toStorage(object)) ?? object;
}

function prepare(strategy: Strategy, next: JsonObject, before: JsonObject, subresource: string): JsonObject {
  switch (subresource) {
    case 'status':
      return strategy.prepareStatus(next, before);
    case 'finalize':
      return withFields(before, { spec: next['spec'], metadata: next['metadata'] });
    default:
      return continueLife(strategy.prepareUpdate(next, before), before, strategy);
  }
}

/**
 * Who scaled is written down without a time, and so comes first: but only if somebody owned the number before. Zero is not sent in
 * a Scale, and so belongs to nobody.
 */
function withScaleOwners(object: JsonObject, before: JsonObject): JsonObject {
  const entries = listAt(object, 'metadata', 'managedFields');
  const none = numberAt(object, ['spec', 'replicas']) === 0;
  const wasOwned = listAt(before, 'metadata', 'managedFields').some(ownsReplicas);
  const isScale = (entry: Json): boolean => textAt(entry, 'subresource') === 'scale';
  const scaled = entries
    .filter((entry) => isScale(entry) && !none && wasOwned)
    .map((entry) => withFields(entry as JsonObject, { time: undefined }));
  const others = entries.filter((entry) => !isScale(entry));
  // Zero over zero leaves the number with who had it, in an entry of its own.
  const parted = none && numberAt(before, ['spec', 'replicas']) === 0 ? others.filter(ownsReplicas) : [];
  const kept = [
    ...scaled,
    ...parted.map((entry) => withFields(entry as JsonObject, { time: undefined, fieldsV1: onlyReplicas })),
    ...(none ? others.flatMap(withoutReplicas) : others),
  ];
  return withMetadata(object, { managedFields: kept.length > 0 ? kept : undefined });
}

const ownedReplicas = ['fieldsV1', 'f:spec', 'f:replicas'];
const onlyReplicas: JsonObject = { 'f:spec': { 'f:replicas': {} } };
const ownsReplicas = (entry: Json): boolean => valueAt(entry, ...ownedReplicas) !== undefined;

function withoutReplicas(entry: Json): readonly Json[] {
  if (!isJsonObject(entry) || !ownsReplicas(entry)) return [entry];
  const { 'f:spec': spec, ...rest } = objectAt(entry, 'fieldsV1');
  const left = withFields(spec as JsonObject, { 'f:replicas': undefined });
  const fieldsV1 = Object.keys(left).length > 0 ? { ...rest, 'f:spec': left } : rest;
  return Object.keys(fieldsV1).length > 0 ? [{ ...entry, fieldsV1 }] : [];
}

/** Without the times at which fields were written. */
function timeless(object: JsonObject): JsonObject {
  const entries = listAt(object, 'metadata', 'managedFields').map((entry) =>
    isJsonObject(entry) ? withFields(entry, { time: undefined }) : entry,
  );
  return withMetadata(object, { managedFields: entries });
}

export function resetFields(resource: Resource, subresource: string): readonly (readonly string[])[] {
  if (subresource === 'status') return [['spec'], ...resource.definition.strategy.keptByStatus];
  return resource.definition.strategy.hasStatus ? [['status']] : [];
}

function terminatingNamespace(resource: Resource, namespace: string, name: string) {
  const { group, plural } = resource.groupResource;
  const qualified = group === '' ? plural : `${plural}.${group}`;
  return failure({
    code: 403,
    reason: 'Forbidden',
    message: `${qualified} ${JSON.stringify(name)} is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind: plural,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}

/** Said of every object that has a prefix for names, also if its name was given. */
function noUniqueName({ status }: StatusError): StatusError {
  return new StatusError({
    ...status,
    message: `${status.message}, the server was not able to generate a unique name for the object`,
    details: { ...status.details, retryAfterSeconds: 1 },
  });
}

function assertValid(resource: Resource, object: JsonObject, errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const distinct = resource.definition.custom ? errors : errors.filter(isFirst);
  // Events are one kind in two groups, and say they are of the core group.
  const kind =
    resource.definition.kind === 'Event' && !resource.definition.custom
      ? { group: '', kind: 'Event' }
      : resource.groupKind;
  throw invalid(kind, nameOf(object), distinct);
}

/** Said once, however many rules find it. */
function isFirst(error: FieldError, index: number, all: readonly FieldError[]): boolean {
  return all.findIndex(({ field, message }) => field === error.field && message === error.message) === index;
}

/** A number other than 0 is refused; text that is no number passes. */
function assertNoVersion(sent: JsonObject): void {
  const version = versionOf(sent);
  if (/^\d+$/.test(version) && BigInt(version) !== 0n) {
    throw unknownError('resourceVersion should not be set on objects to be created');
  }
}

/** How a PUT or a patch result stands to what is stored. */
export interface Expectation {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Without a resourceVersion whatever is stored is overwritten. */
  readonly unconditional: boolean;
}

export function expectationOf(object: JsonObject, unconditional: boolean): Expectation {
  return { uid: uidOf(object), resourceVersion: versionOf(object), unconditional };
}

/** @throws StatusError 409 if another object or another version is stored, 422 without a needed version, 500 for nonsense */
export function assertExpected(resource: Resource, before: Stored, expectation: Expectation): void {
  const version = parseVersion(expectation.resourceVersion);
  const { groupResource } = resource;
  if (version === 0n) {
    if (expectation.unconditional) return;
    throw invalidResource(resource, before.name, [
      { ...fieldInvalid('metadata.resourceVersion', 0, 'must be specified for an update') },
    ]);
  }
  if (version !== BigInt(before.revision)) throw conflict(groupResource, before.name);
}

/** @throws StatusError 409 in the words of the storage */
export function assertSameUid(
  resource: Resource,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  expected: string,
  found: Stored | undefined,
): void {
  const uid = found === undefined ? '' : uidOf(found.object);
  if (expected === '' || expected === uid) return;
  const key = `${resource.definition.plural}/${keyOf({ namespace, name })}`;
  throw conflict(
    resource.groupResource,
    name,
    `StorageError: invalid object, Code: 4, Key: /registry/${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${expected}, UID in object meta: ${uid}`,
  );
}

/** Errors about the version name the resource where others name the kind. */
function invalidResource(resource: Resource, name: string, causes: readonly FieldError[]) {
  const { group, plural } = resource.groupResource;
  return invalid({ group, kind: plural }, name, causes);
}

/** @throws StatusError 500 for what is no number */
export function parseVersion(version: string): bigint {
  if (version === '') return 0n;
  if (/^\d+$/.test(version)) return BigInt(version);
  throw unknownError(`strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
}
