import { isNotFound } from '../api/errors.js';
import {
  type DeepReadonly,
  type Draft,
  formatKey,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
} from '../api/object.js';
import { controllerOf, controllerReference } from '../api/owner-reference.js';
import type { Resource } from '../api/resource.js';
import { type AppliedDraft, applyIfChanged } from '../controller/apply-if-changed.js';
import type { ReconcileContext } from '../controller/context.js';
import { IncumbentError } from '../kit/error.js';

/** A child as it should be. Its name, namespace and owner reference are filled in. */
export type Desired<T extends KubernetesObject> = Omit<Draft<T>, 'metadata'> & {
  readonly metadata?: Pick<Draft<T>['metadata'], 'labels' | 'annotations' | 'finalizers'>;
};

export interface DependentOptions<Owner extends KubernetesObject, T extends KubernetesObject> {
  /** The kind of the owner: the `for` of the controller. */
  readonly of: Resource<Owner>;
  /**
   * The child as it should be, or `undefined` when none is wanted: one that is there is deleted. Must say the same for the same owner. Only
   * the fields that it sets are kept; the others are left to whoever sets them.
   */
  readonly desired: (owner: DeepReadonly<Owner>, context: ReconcileContext) => Desired<T> | undefined;
  /** Whether the child does what it is there for. @defaultValue as soon as it exists */
  readonly ready?: (child: DeepReadonly<T>) => boolean;
  /** Dependents that must be ready before this one is made. When one of them is not wanted, neither is this one. */
  readonly after?: readonly Dependent<Owner>[];
  /** Where the child is. @defaultValue its owner's namespace and name */
  readonly key?: (owner: DeepReadonly<Owner>) => ObjectKey;
  /** For people, unique among an owner's dependents. @defaultValue the child's kind */
  readonly name?: string;
}

/** A child after one look at it. `waiting`: for those that come before it. */
export type ChildState = 'ready' | 'notReady' | 'waiting' | 'absent' | 'deleting';

/** One child of each owner, declared by functions. Made by {@link dependent}, worked on by {@link Dependents}. */
export interface Dependent<Owner extends KubernetesObject> {
  readonly name: string;
  readonly resource: Resource;
  readonly after: readonly Dependent<Owner>[];
  isWanted(owner: DeepReadonly<Owner>, context: ReconcileContext): boolean;
  /** Makes the child as it should be, or keeps it so. */
  keep(owner: DeepReadonly<Owner>, context: ReconcileContext): Promise<ChildState>;
  /** Deletes the child, if it is there and this owner's. */
  remove(owner: DeepReadonly<Owner>, context: ReconcileContext): Promise<ChildState>;
}

export function dependent<Owner extends KubernetesObject, T extends KubernetesObject>(
  resource: Resource<T>,
  options: DependentOptions<Owner, T>,
): Dependent<Owner> {
  return new DeclaredDependent(resource, options);
}

class DeclaredDependent<
  Owner extends KubernetesObject,
  T extends KubernetesObject,
> implements Dependent<Owner> {
  readonly name: string;
  readonly resource: Resource<T>;
  readonly after: readonly Dependent<Owner>[];
  readonly #options: DependentOptions<Owner, T>;

  constructor(resource: Resource<T>, options: DependentOptions<Owner, T>) {
    this.name = options.name ?? resource.kind;
    this.resource = resource;
    this.after = options.after ?? [];
    this.#options = options;
  }

  isWanted(owner: DeepReadonly<Owner>, context: ReconcileContext): boolean {
    return (
      this.#options.desired(owner, context) !== undefined &&
      this.after.every((earlier) => earlier.isWanted(owner, context))
    );
  }

  async keep(owner: DeepReadonly<Owner>, context: ReconcileContext): Promise<ChildState> {
    const desired = this.#options.desired(owner, context);
    if (!desired) return 'absent';
    const current = await this.#current(owner, context);
    // Applying to what is on its way out would be lost with it: its deletion wakes the owner.
    if (current && metadataOf(current).deletionTimestamp) return 'deleting';
    const fieldManager = context.controller;
    const child = await applyIfChanged(context, this.resource, this.#complete(desired, owner), {
      fieldManager,
    });
    return this.#options.ready?.(child) === false ? 'notReady' : 'ready';
  }

  async remove(owner: DeepReadonly<Owner>, context: ReconcileContext): Promise<ChildState> {
    const current = await context.get(this.resource, this.#keyOf(owner));
    if (!current || !isOwnedBy(current, owner)) return 'absent';
    const { uid, deletionTimestamp } = metadataOf(current);
    if (deletionTimestamp) return 'deleting';
    try {
      await context.client.delete(this.resource, this.#keyOf(owner), { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return 'deleting';
  }

  /** @throws {@link IncumbentError} `DEPENDENT_TAKEN` */
  async #current(
    owner: DeepReadonly<Owner>,
    { get }: ReconcileContext,
  ): Promise<DeepReadonly<T> | undefined> {
    const key = this.#keyOf(owner);
    const current = await get(this.resource, key);
    if (!current || isOwnedBy(current, owner)) return current;
    const holder = controllerOf(current);
    throw new IncumbentError(
      'DEPENDENT_TAKEN',
      `${this.resource.kind} ${formatKey(key)} is there already and ${holder ? `belongs to ${holder.kind} ${holder.name}` : 'has no controller'}: it is left as it is. Delete it, or give the dependent another key.`,
    );
  }

  #keyOf(owner: DeepReadonly<Owner>): ObjectKey {
    return (this.#options.key ?? keyOf)(owner as DeepReadonly<Owner> & DeepReadonly<KubernetesObject>);
  }

  #complete(desired: Desired<T>, owner: DeepReadonly<Owner>): AppliedDraft<T> {
    const key = this.#keyOf(owner);
    const reference = controllerReference(this.#options.of, owner as DeepReadonly<KubernetesObject>, key);
    return {
      ...desired,
      metadata: { ...desired.metadata, ...key, ownerReferences: [reference] },
    } as unknown as AppliedDraft<T>;
  }
}

function metadataOf<T extends KubernetesObject>(
  object: DeepReadonly<T>,
): DeepReadonly<KubernetesObject>['metadata'] {
  return (object as DeepReadonly<KubernetesObject>).metadata;
}

function isOwnedBy<T extends KubernetesObject, Owner extends KubernetesObject>(
  object: DeepReadonly<T>,
  owner: DeepReadonly<Owner>,
): boolean {
  return controllerOf(object as DeepReadonly<KubernetesObject>)?.uid === metadataOf(owner).uid;
}
