import type { KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { EncodedObject } from './encoded-object.js';
import type { ListOptions, SelectorOptions, WatchEvent, WatchOptions } from './reader.js';

/** A part of the answer to a list, in the order in which it arrives. */
export type ListPart<T extends KubernetesObject> =
  | { readonly type: 'items'; readonly items: readonly EncodedObject<T>[] }
  /** The last part: the list was all there. */
  | { readonly type: 'end'; readonly resourceVersion: string; readonly continue: string | undefined };

export type EncodedEvent<T extends KubernetesObject> = WatchEvent<EncodedObject<T>>;

/**
 * Lists and watches the objects of one resource and selector, in parts as they arrive.
 *
 * Errors, of both: {@link ApiError} for the server's refusals and ERROR events, {@link RequestError} when the stream breaks, is idle
 * for too long, brings what is no JSON, or `signal` aborts.
 *
 * @see client-go, tools/cache: ListerWatcher
 */
export interface ListerWatcher<T extends KubernetesObject> {
  list(
    options: Pick<ListOptions, 'limit' | 'continue' | 'signal'> & { readonly idleTimeout?: number },
  ): AsyncIterable<ListPart<T>>;
  /** The events that arrived together. */
  watch(options: Omit<WatchOptions, keyof SelectorOptions>): AsyncIterable<readonly EncodedEvent<T>[]>;
}

export interface StreamOptions extends SelectorOptions {
  /** Asks for metadata only: the objects have `apiVersion`, `kind` and `metadata`, and nothing else. @defaultValue false */
  readonly metadataOnly?: boolean | undefined;
}

/** What informers read from. */
export interface StreamReader {
  stream<T extends KubernetesObject>(resource: Resource<T>, options?: StreamOptions): ListerWatcher<T>;
}
