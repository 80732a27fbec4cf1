/** Deleting objects: preconditions, grace, finalizers, and what shall happen to the dependents. */
import { deepEqual } from '../object/equal.js';
import { fieldInvalid, fieldNotSupported } from '../object/field-error.js';
import { valueAt } from '../object/json.js';
import type { JsonObject } from '../object/json.js';
import { conflict, forbidden, invalid } from '../object/status.js';
import type { Stored } from './collection.js';
import type { Environment } from './environment.js';
import { beginDeletion } from './life-cycle.js';
import { finalizersOf, isTerminating, listAt, numberAt, textAt, uidOf, withMetadata } from './meta.js';
import type { Objects } from './objects.js';
import type { Resource } from './resource.js';
import type { WriteContext } from './write-context.js';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagation?: Propagation | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  /** It was asked, in the older way, for dependents to go too: an object that has to wait for them is answered with 202. */
  readonly cascades?: boolean | undefined;
}

export interface Deleted {
  readonly object: JsonObject;
  /** False if finalizers or a grace period keep the object for now. */
  readonly gone: boolean;
}

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';
export const definitionFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * What a request wants to happen to the dependents; `orphan` is the older way to say it.
 *
 * @throws StatusError 422 for another word, and for both ways at once
 */
export function parsePropagation(policy: string, orphan: string | undefined): Propagation | undefined {
  const field = 'propagationPolicy';
  if (policy !== '' && orphan !== undefined) {
    const words = 'orphanDependents and deletionPropagation cannot be both set';
    throw invalid(deleteOptions, '', [fieldInvalid(field, policy, words)]);
  }
  if (orphan !== undefined) return orphan === 'true' || orphan === '1' ? 'Orphan' : 'Background';
  if (policy === '') return undefined;
  if (policy === 'Background' || policy === 'Foreground' || policy === 'Orphan') return policy;
  throw invalid(deleteOptions, '', [
    fieldNotSupported(field, policy, ['Foreground', 'Background', 'Orphan', 'nil']),
  ]);
}

const deleteOptions = { group: 'meta.k8s.io', kind: 'DeleteOptions' };

export class Deletion {
  readonly #objects: Objects;
  readonly #environment: Environment;

  constructor(objects: Objects, environment: Environment) {
    this.#objects = objects;
    this.#environment = environment;
  }

  /**
   * Removes the object, or marks it as being deleted if something holds it back.
   *
   * @throws StatusError 409 if a precondition does not hold
   */
  delete(resource: Resource, stored: Stored, options: DeleteOptions, context: WriteContext): Deleted {
    assertMortal(resource, stored.name);
    assertPreconditions(resource, stored, options);
    const before = resource.view(stored);
    if (isPending(resource, before, options.gracePeriodSeconds)) return { object: before, gone: false };
    const finalizers = finalizersFor(resource, before, options.propagation);
    const grace = graceOf(resource, before, options.gracePeriodSeconds);
    const held = finalizers.length > 0 || grace > 0 || isHeldByItself(resource, before);
    if (!held) return this.#remove(resource, stored, context);
    const marked = this.#mark(resource, before, { finalizers, grace });
    if (deepEqual(marked, before)) return { object: resource.view(stored), gone: false };
    return { object: this.#objects.replace(resource, marked, context).object, gone: false };
  }

  #remove(resource: Resource, stored: Stored, context: WriteContext): Deleted {
    const before = stopsInItsOwnTime(resource) ? this.#markOut(resource, stored, context) : stored;
    return { object: this.#objects.remove(resource, before, context), gone: true };
  }

  /** A pod is marked on its way out, as if it had been given time: watches tell so. */
  #markOut(resource: Resource, stored: Stored, context: WriteContext): Stored {
    // It goes with its finalizers, if they were the server's own.
    const finalizers = finalizersOf(stored.object);
    const object = this.#mark(resource, stored.object, { finalizers, grace: 0 });
    if (deepEqual(object, stored.object)) return stored;
    return this.#objects.replace(resource, object, context).stored ?? { ...stored, object };
  }

  #mark(
    resource: Resource,
    before: JsonObject,
    { finalizers, grace }: { readonly finalizers: readonly string[]; readonly grace: number },
  ): JsonObject {
    const marked = beginDeletion(before, this.#environment.now(), grace);
    const shortened = shorten(marked, grace, this.#environment.now());
    const held = withMetadata(shortened, { finalizers: finalizers.length > 0 ? [...finalizers] : undefined });
    if (!isNamespace(resource) && !isDefinition(resource)) return held;
    const timeless = withMetadata(held, { deletionGracePeriodSeconds: undefined });
    if (isDefinition(resource))
      return withMetadata(timeless, { generation: valueAt(before, 'metadata', 'generation') });
    return { ...timeless, status: { phase: 'Terminating' } };
  }
}

/** A pod that is on its way out goes on as it was told, unless it is told to be quicker. */
function isPending(resource: Resource, object: JsonObject, asked: number | undefined): boolean {
  if (!stopsInItsOwnTime(resource) || !isTerminating(object)) return false;
  const left = numberAt(object, ['metadata', 'deletionGracePeriodSeconds']);
  return left > 0 && (asked === undefined || asked >= left);
}

/** A second delete may cut the grace period, never prolong it. */
function shorten(object: JsonObject, grace: number, now: Date): JsonObject {
  if (grace >= numberAt(object, ['metadata', 'deletionGracePeriodSeconds'])) return object;
  const again = beginDeletion(withMetadata(object, { deletionTimestamp: undefined }), now, grace);
  return withMetadata(again, { generation: numberAt(object, ['metadata', 'generation']) });
}

/** Namespaces wait for their content, whatever their metadata says. */
function isHeldByItself(resource: Resource, object: JsonObject): boolean {
  return isNamespace(resource) && listAt(object, 'spec', 'finalizers').length > 0;
}

const isDefinition = ({ definition }: Resource): boolean =>
  definition.group === 'apiextensions.k8s.io' && definition.kind === 'CustomResourceDefinition';

const isNamespace = ({ definition }: Resource): boolean =>
  definition.group === '' && definition.kind === 'Namespace';

const stopsInItsOwnTime = ({ definition }: Resource): boolean =>
  definition.group === '' && definition.kind === 'Pod';

const immortal = ['default', 'kube-system', 'kube-public'];

/** @throws StatusError 403 */
function assertMortal(resource: Resource, name: string): void {
  if (!isNamespace(resource) || !immortal.includes(name)) return;
  throw forbidden(resource.groupResource, name, 'this namespace may not be deleted');
}

/** Pods on a node stop in their own time; every other object goes at once. */
function graceOf(resource: Resource, object: JsonObject, asked: number | undefined): number {
  if (!stopsInItsOwnTime(resource)) return 0;
  const phase = textAt(object, 'status', 'phase');
  const ended = phase === 'Succeeded' || phase === 'Failed';
  if (ended || textAt(object, 'spec', 'nodeName') === '') return 0;
  const left = numberAt(object, ['metadata', 'deletionGracePeriodSeconds'], Number.MAX_SAFE_INTEGER);
  const wanted = asked ?? numberAt(object, ['spec', 'terminationGracePeriodSeconds'], 30);
  return isTerminating(object) ? Math.min(left, wanted) : wanted;
}

/** The finalizers after the request has chosen what happens to the dependents. */
function finalizersFor(
  resource: Resource,
  object: JsonObject,
  asked: Propagation | undefined,
): readonly string[] {
  const present = finalizersOf(object);
  const others = present.filter((item) => item !== orphanFinalizer && item !== foregroundFinalizer);
  const policy =
    asked ?? policyOf(present) ?? (resource.definition.strategy.orphansByDefault ? 'Orphan' : 'Background');
  const crd = isDefinition(resource) && !others.includes(definitionFinalizer);
  const kept = crd && !isTerminating(object) ? [...others, definitionFinalizer] : others;
  if (policy === 'Orphan') return [...kept, orphanFinalizer];
  return policy === 'Foreground' ? [...kept, foregroundFinalizer] : kept;
}

function policyOf(finalizers: readonly string[]): Propagation | undefined {
  if (finalizers.includes(orphanFinalizer)) return 'Orphan';
  return finalizers.includes(foregroundFinalizer) ? 'Foreground' : undefined;
}

function assertPreconditions(
  resource: Resource,
  stored: Stored,
  { uid, resourceVersion }: DeleteOptions,
): void {
  // The words of the precondition name the kind, where other conflicts name the resource.
  const named = { group: resource.definition.group, plural: resource.definition.kind };
  const own = uidOf(stored.object);
  if (uid !== undefined && uid !== own) {
    throw conflict(
      named,
      stored.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${own}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== String(stored.revision)) {
    throw conflict(
      named,
      stored.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${stored.revision}). The object might have been modified`,
    );
  }
}
