import type { DeepReadonly, Draft, KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { InformerCache } from '../cache/cache.js';
import type { GetOptions, List, ListOptions, WatchEvent, WatchOptions } from '../client/reader.js';
import type {
  ApplyOptions,
  DeleteOptions,
  Patch,
  SubresourceOptions,
  WriteOptions,
  Writer,
} from '../client/writer.js';

/** A writer that tells the cache what it wrote, so that the next look into the cache is at least as new. */
export class NotingWriter implements Writer {
  readonly #inner: Writer;
  readonly #cache: InformerCache;

  constructor(inner: Writer, cache: InformerCache) {
    this.#inner = inner;
    this.#cache = cache;
  }

  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options?: GetOptions): Promise<T> {
    return this.#inner.get(resource, key, options);
  }

  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>> {
    return this.#inner.list(resource, options);
  }

  watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options?: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    return this.#inner.watch(resource, options);
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#noting(resource, this.#inner.create(resource, object, options), options);
  }

  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options?: SubresourceOptions,
  ): Promise<T> {
    return this.#noting(resource, this.#inner.update(resource, object, options), options);
  }

  updateStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#noting(resource, this.#inner.updateStatus(resource, object, options), options);
  }

  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options?: SubresourceOptions,
  ): Promise<T> {
    return this.#noting(resource, this.#inner.patch(resource, key, patch, options), options);
  }

  apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T> {
    return this.#noting(resource, this.#inner.apply(resource, object, options), options);
  }

  async delete<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<void> {
    await this.#inner.delete(resource, key, options);
    if (!options?.dryRun) this.#cache.noteDeleted(resource, key, deletedBy(options));
  }

  async #noting<T extends KubernetesObject>(
    resource: Resource<T>,
    writing: Promise<T>,
    options: SubresourceOptions | undefined,
  ): Promise<T> {
    const object = await writing;
    // The answer of /scale is a Scale, not the object.
    if (options?.dryRun || options?.subresource === 'scale') return object;
    if (isOnItsWayOut(object)) this.#cache.noteDeleted(resource, object.metadata, object.metadata);
    else this.#cache.noteWritten(resource, object);
    return object;
  }
}

/** The write took the last finalizer off: its answer shows an object that is gone. */
function isOnItsWayOut({ metadata }: KubernetesObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    !metadata.finalizers?.length &&
    !metadata.deletionGracePeriodSeconds
  );
}

/** What was deleted, if the call said so; else what the cache has under the key. */
function deletedBy({ preconditions }: DeleteOptions = {}): { readonly uid: string } | undefined {
  return preconditions?.uid === undefined ? undefined : { uid: preconditions.uid };
}
