import type { Status } from '../api/errors.js';
import type { DeepReadonly, Draft, KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { Reader, RequestOptions } from './reader.js';

export interface WriteOptions extends RequestOptions {
  /** The server answers as if, and stores nothing. */
  readonly dryRun?: boolean;
  /** What the server does with fields that its schema doesn't know. @defaultValue `'Warn'`, the server's */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  readonly fieldManager?: string;
}

export interface SubresourceOptions extends WriteOptions {
  readonly subresource?: 'status' | 'scale';
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** `merge`: RFC 7396, null removes. `json`: RFC 6902. `strategic`: Kubernetes' own, for built-in kinds. */
export type Patch =
  | { readonly type: 'merge'; readonly patch: Readonly<Record<string, unknown>> }
  | { readonly type: 'json'; readonly patch: readonly JsonPatchOperation[] }
  | { readonly type: 'strategic'; readonly patch: Readonly<Record<string, unknown>> };

export interface ApplyOptions extends SubresourceOptions {
  /** Names who owns the applied fields. */
  readonly fieldManager: string;
  /** Takes fields from other managers. @defaultValue false: 409 names them */
  readonly force?: boolean;
}

export interface DeleteOptions extends RequestOptions {
  /** 409 unless the object still has this uid or version. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: boolean;
}

/**
 * Reads and writes. Got from {@link Client.under} its writes are fenced: none is sent once the right is lost,
 * an {@link AuthorityLostError} is thrown instead.
 */
export interface Writer extends Reader {
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options?: WriteOptions,
  ): Promise<T>;
  /** Replaces the object. Its `metadata.resourceVersion` makes a write onto a newer version a 409. */
  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options?: SubresourceOptions,
  ): Promise<T>;
  /** Replaces the status only; the server ignores changes elsewhere. */
  updateStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<T>;
  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options?: SubresourceOptions,
  ): Promise<T>;
  /** Server-side apply. Fields applied before and absent now are removed. */
  apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T>;
  /**
   * Resolves when the server has accepted, with what it answers: the object, if finalizers or a grace period keep it for longer
   * (`metadata.deletionTimestamp` is set), else a Status or, of some kinds, the object as it last was. 404 is an error: see {@link isNotFound}.
   */
  delete<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<T | Status>;
}
