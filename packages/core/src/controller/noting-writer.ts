import { isStatus, type Status } from '../api/errors.js';
import type { DeepReadonly, Draft, KubernetesObject, ObjectKey, ObjectMeta } from '../api/object.js';
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
import type { CacheView } from './cache-view.js';
import type { OwnVersions } from './own-versions.js';

export interface NotingWriterOptions {
  readonly cache: InformerCache;
  /** What a controller sees of it, and where its own writes are remembered. Who is no controller has neither. */
  readonly controller?: { readonly view: CacheView; readonly own: OwnVersions };
}

/**
 * A writer that tells the cache what it wrote, so that the next look into the cache is at least as new, and remembers it, so that the
 * controller knows its own writes when it hears of them.
 */
export class NotingWriter implements Writer {
  readonly #inner: Writer;
  readonly #cache: InformerCache;
  readonly #controller: NotingWriterOptions['controller'];

  constructor(inner: Writer, { cache, controller }: NotingWriterOptions) {
    this.#inner = inner;
    this.#cache = cache;
    this.#controller = controller;
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
    return this.#noting(this.#inner.create(resource, object, options), { resource, options });
  }

  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options?: SubresourceOptions,
  ): Promise<T> {
    return this.#noting(this.#inner.update(resource, object, options), {
      resource,
      options,
      key: object.metadata as ObjectKey,
    });
  }

  updateStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#noting(this.#inner.updateStatus(resource, object, options), {
      resource,
      options,
      key: object.metadata as ObjectKey,
    });
  }

  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options?: SubresourceOptions,
  ): Promise<T> {
    return this.#noting(this.#inner.patch(resource, key, patch, options), { resource, options, key });
  }

  apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T> {
    return this.#noting(this.#inner.apply(resource, object, options), {
      resource,
      options,
      key: object.metadata as ObjectKey,
    });
  }

  async delete<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<T | Status> {
    const answer = await this.#inner.delete(resource, key, options);
    if (!options?.dryRun)
      this.#noteDelete(resource, key, isStatus(answer) ? deletedBy(answer, options) : answer);
    return answer;
  }

  #noteDelete<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    deleted: T | { readonly uid: string } | undefined,
  ): void {
    const own = this.#controller?.own;
    if (deleted && 'metadata' in deleted && isLeftTerminating(deleted)) {
      own?.add(deleted.metadata);
      this.#cache.noteWritten(resource, deleted);
      return;
    }
    const gone = deleted && 'metadata' in deleted ? deleted.metadata : deleted;
    if (gone) own?.addDeleted(gone.uid);
    this.#cache.noteDeleted(resource, key, gone);
  }

  async #noting<T extends KubernetesObject>(
    writing: Promise<T>,
    { resource, options, key }: Noted<T>,
  ): Promise<T> {
    const before = key && this.#seen(resource, key)?.resourceVersion;
    const object = await writing;
    // The answer of /scale is a Scale, not the object.
    if (options?.dryRun || options?.subresource === 'scale') return object;
    // A write that changed nothing is answered with the version that somebody else wrote.
    if (object.metadata.resourceVersion !== before) this.#controller?.own.add(object.metadata);
    if (isOnItsWayOut(object)) {
      this.#controller?.own.addDeleted(object.metadata.uid);
      this.#cache.noteDeleted(resource, object.metadata, object.metadata);
    } else this.#cache.noteWritten(resource, object);
    return object;
  }

  #seen(resource: Resource, key: ObjectKey): DeepReadonly<ObjectMeta> | undefined {
    const { view } = this.#controller ?? {};
    return view?.holds(resource) ? view.get(resource, key)?.metadata : undefined;
  }
}

interface Noted<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly options: SubresourceOptions | undefined;
  /** Of an object that may be there already. */
  readonly key?: ObjectKey;
}

/** The write took the last finalizer off: its answer shows an object that is gone. */
function isOnItsWayOut(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && !isLeftTerminating(object);
}

/** Marked as deleted, and kept by finalizers or for its grace period. */
function isLeftTerminating({ metadata }: KubernetesObject): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    Boolean(metadata.finalizers?.length || metadata.deletionGracePeriodSeconds)
  );
}

/** What was deleted, as the server or the call says; else what the cache has under the key. */
function deletedBy(
  { details }: Status,
  { preconditions }: DeleteOptions = {},
): { readonly uid: string } | undefined {
  const uid = details?.uid ?? preconditions?.uid;
  return uid === undefined ? undefined : { uid };
}
