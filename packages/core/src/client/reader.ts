import type { KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until the request is given up. @defaultValue the client's */
  readonly timeout?: number;
}

export interface SelectorOptions {
  /** All namespaces when absent. Ignored for cluster-scoped resources. */
  readonly namespace?: string | undefined;
  /** As in query strings: `app=web,tier in (a,b)`. */
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface GetOptions extends RequestOptions {
  /** `'0'` allows any cached, possibly old state. @defaultValue the newest */
  readonly resourceVersion?: string;
}

export interface ListOptions extends RequestOptions, SelectorOptions {
  /** Items per page; the rest is behind {@link List.continue}. */
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends SelectorOptions {
  readonly signal?: AbortSignal;
  /** Changes after this version. Absent: the current objects as ADDED, then changes. */
  readonly resourceVersion?: string;
  /** With `resourceVersionMatch: 'NotOlderThan'`: the initial objects come first, then a bookmark annotated `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean;
  /** Whole seconds after which the server ends the watch. */
  readonly timeoutSeconds?: number;
  /** Milliseconds without a byte after which the stream counts as dead. Bookmarks come about once a minute. */
  readonly idleTimeout?: number;
}

export interface List<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  /** Token of the next page. */
  readonly continue: string | undefined;
  readonly remainingItemCount: number | undefined;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing changed up to `resourceVersion`. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

/** Reads from the API server, past every cache. Errors: {@link ApiError} for its answers, {@link RequestError} when none came. */
export interface Reader {
  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options?: GetOptions): Promise<T>;
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>>;
  /**
   * Changes as they happen. Opens the stream at the first `next()`. Ends when the server ends the watch; throws an {@link ApiError}
   * for its refusals and ERROR events (410: list again), a {@link RequestError} when the stream breaks, is idle for too long,
   * or `signal` aborts.
   */
  watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options?: WatchOptions,
  ): AsyncIterable<WatchEvent<T>>;
}
