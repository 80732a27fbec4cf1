/** Removes objects whose owners are gone, and lets owners go once their dependents are. */
import type { JsonObject } from '../object/json.js';
import type { Change, Stored } from './collection.js';
import { TaskQueue } from './controllers.js';
import { foregroundFinalizer, orphanFinalizer } from './deletion.js';
import type { Kernel } from './kernel.js';
import { finalizersOf, isTerminating, listAt, ownersOf, uidOf, withMetadata } from './meta.js';
import type { OwnerReference } from './meta.js';
import type { Resource } from './resource.js';
import { systemContext } from './write-context.js';

const component = 'generic-garbage-collector';

export class GarbageCollector {
  readonly #kernel: Kernel;
  readonly #queue: TaskQueue;
  /** Uids of the objects that name an owner, by the owner's uid. */
  readonly #dependents = new Map<string, Set<string>>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#queue = new TaskQueue(kernel.environment);
  }

  /** Watches all collections; the result stops it. */
  start(): () => void {
    const stop = this.#kernel.storage.onChange((change) => this.#onChange(change));
    return () => {
      stop();
      this.#queue.close();
    };
  }

  #onChange({ type, stored, previous }: Change): void {
    const uid = uidOf(stored.object);
    if (previous !== undefined) this.#unlink(previous);
    if (type !== 'DELETED') this.#link(stored);
    const owners = new Set(
      [stored, previous].flatMap((state) => (state === undefined ? [] : ownersOf(state.object))),
    );
    for (const owner of owners) this.#visitSoon(owner.uid);
    if (type === 'DELETED') for (const dependent of this.#dependentsOf(uid)) this.#visitSoon(dependent);
    else if (owners.size > 0 || isTerminating(stored.object)) this.#visitSoon(uid);
  }

  #link({ object }: Stored): void {
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set<string>();
      this.#dependents.set(owner.uid, dependents.add(uidOf(object)));
    }
  }

  #unlink({ object }: Stored): void {
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uidOf(object));
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }

  #dependentsOf(uid: string): readonly string[] {
    return [...(this.#dependents.get(uid) ?? [])];
  }

  #visitSoon(uid: string): void {
    this.#queue.add(uid, () => this.#visit(uid));
  }

  #visit(uid: string): void {
    const stored = this.#kernel.storage.byUid(uid);
    const resource = stored === undefined ? undefined : this.#kernel.registry.byCollection(stored.resource);
    if (stored === undefined || resource === undefined) return;
    if (isTerminating(stored.object)) this.#release(resource, stored);
    else this.#collect(resource, stored);
  }

  /** An object that is being deleted waits for its dependents, or sets them free. */
  #release(resource: Resource, owner: Stored): void {
    const finalizers = finalizersOf(owner.object);
    const uid = uidOf(owner.object);
    if (finalizers.includes(orphanFinalizer)) {
      for (const dependent of this.#dependentsOf(uid)) this.#orphan(dependent, uid);
      this.#dropFinalizer(resource, uid, orphanFinalizer);
    } else if (finalizers.includes(foregroundFinalizer)) {
      const blocking = this.#dependentsOf(uid).filter((dependent) => this.#blocks(dependent, uid));
      for (const dependent of this.#dependentsOf(uid)) this.#deleteDependent(dependent, uid);
      if (blocking.length === 0) this.#dropFinalizer(resource, uid, foregroundFinalizer);
    }
  }

  #blocks(dependent: string, owner: string): boolean {
    const stored = this.#kernel.storage.byUid(dependent);
    return ownersOf(stored?.object ?? {}).some(
      (reference) => reference.uid === owner && reference.blockOwnerDeletion,
    );
  }

  #orphan(dependent: string, owner: string): void {
    const stored = this.#kernel.storage.byUid(dependent);
    if (stored !== undefined) this.#dropOwners(stored, (reference) => reference.uid === owner);
  }

  /** A dependent of an owner that waits for it goes too, unless somebody else still owns it. */
  #deleteDependent(dependent: string, owner: string): void {
    const stored = this.#kernel.storage.byUid(dependent);
    if (stored === undefined || isTerminating(stored.object)) return;
    const others = ownersOf(stored.object).filter(
      (reference) => reference.uid !== owner && this.#isAlive(reference),
    );
    if (others.length > 0) return this.#dropOwners(stored, (reference) => reference.uid === owner);
    const blocking = this.#dependentsOf(dependent).some((next) => this.#blocks(next, dependent));
    this.#delete(stored, blocking ? 'Foreground' : undefined);
  }

  #collect(_resource: Resource, stored: Stored): void {
    const owners = ownersOf(stored.object);
    if (owners.length === 0) return;
    const gone = owners.filter((owner) => !this.#exists(owner));
    if (gone.length === owners.length) return this.#delete(stored, undefined);
    if (gone.length > 0) this.#dropOwners(stored, (owner) => !this.#exists(owner));
  }

  #exists(owner: OwnerReference): boolean {
    const stored = this.#kernel.storage.byUid(owner.uid);
    return stored !== undefined && stored.name === owner.name;
  }

  /** An owner that only waits for its dependents holds nobody any more. */
  #isAlive(owner: OwnerReference): boolean {
    const stored = this.#kernel.storage.byUid(owner.uid);
    if (stored === undefined) return false;
    return !(isTerminating(stored.object) && finalizersOf(stored.object).includes(foregroundFinalizer));
  }

  #delete(stored: Stored, propagation: 'Foreground' | undefined): void {
    const resource = this.#kernel.registry.byCollection(stored.resource);
    if (resource === undefined) return;
    // Collected objects go in the background unless they say otherwise, jobs too.
    const policy = propagation ?? (chosen(stored) ? undefined : ('Background' as const));
    this.#kernel.deletion.delete(
      resource,
      stored,
      { propagation: policy },
      systemContext(component, 'delete'),
    );
  }

  #dropOwners(stored: Stored, isDropped: (owner: OwnerReference) => boolean): void {
    const kept = listAt(stored.object, 'metadata', 'ownerReferences').filter(
      (_reference, index) => !isDropped(ownersOf(stored.object)[index] as OwnerReference),
    );
    this.#patch(stored, { ownerReferences: kept.length > 0 ? kept : undefined });
  }

  #dropFinalizer(_resource: Resource, uid: string, finalizer: string): void {
    const stored = this.#kernel.storage.byUid(uid);
    if (stored === undefined) return;
    const kept = finalizersOf(stored.object).filter((item) => item !== finalizer);
    this.#patch(stored, { finalizers: kept.length > 0 ? [...kept] : undefined });
  }

  #patch(stored: Stored, changes: Parameters<typeof withMetadata>[1]): void {
    const resource = this.#kernel.registry.byCollection(stored.resource);
    if (resource === undefined) return;
    const next: JsonObject = withMetadata(resource.view(stored), changes);
    this.#kernel.objects.update(resource, stored, next, systemContext(component, 'patch'), { tracked: true });
  }
}

const chosen = ({ object }: Stored): boolean =>
  finalizersOf(object).some((item) => item === orphanFinalizer || item === foregroundFinalizer);
