import type { KubernetesObject } from '../api/object.js';
import type { Cached } from './cached.js';
import type { Change } from './change.js';

/**
 * Hears of every change, in order, while the change is made: be quick, put a key into a queue. Several changes in a row of one object
 * may be heard as one. What a handler throws, or a promise that it returns is rejected with, is logged and stops nobody.
 */
export interface InformerHandler<T extends KubernetesObject> {
  /** `isInitial`: it was there before the handler could see a change. */
  added?(object: Cached<T>, isInitial: boolean): void;
  /** Never for an object that was deleted and created anew: that is `deleted`, then `added`. */
  updated?(before: Cached<T>, after: Cached<T>): void;
  /** The object as it was last seen. */
  deleted?(object: Cached<T>): void;
}

/** The handlers of one informer. A handler that is added while changes are told hears of the later ones only. */
export class Handlers<T extends KubernetesObject> {
  readonly #onError: (error: unknown) => void;
  /** Replaced, never changed: who iterates over it has the handlers of one moment. */
  #handlers: readonly InformerHandler<T>[] = [];
  #removed = new WeakSet<InformerHandler<T>>();

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Adds the handler, once it has heard of the `present` objects. Returns what removes it: afterwards it is never called. */
  add(handler: InformerHandler<T>, present: Iterable<Cached<T>>): () => void {
    // An object of its own, so that one handler can be added twice and removed once.
    const own: InformerHandler<T> = {
      added: (object, isInitial) => handler.added?.(object, isInitial),
      updated: (before, after) => handler.updated?.(before, after),
      deleted: (object) => handler.deleted?.(object),
    };
    this.#handlers = [...this.#handlers, own];
    const changes = Array.from(present, (object): Change<T> => ({ type: 'added', object }));
    this.#tellAll([own], changes, true);
    return () => {
      this.#removed.add(own);
      this.#handlers = this.#handlers.filter((other) => other !== own);
    };
  }

  tell(changes: readonly Change<T>[], isInitial: boolean): void {
    this.#tellAll(this.#handlers, changes, isInitial);
  }

  #tellAll(handlers: readonly InformerHandler<T>[], changes: readonly Change<T>[], isInitial: boolean): void {
    for (const change of changes) {
      for (const handler of handlers)
        if (!this.#removed.has(handler)) this.#tellOne(handler, change, isInitial);
    }
  }

  #tellOne(handler: InformerHandler<T>, change: Change<T>, isInitial: boolean): void {
    try {
      // Typed as void, but an async function fits as well.
      const outcome: unknown = call(handler, change, isInitial);
      if (isThenable(outcome)) outcome.then(undefined, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }
}

function call<T extends KubernetesObject>(
  handler: InformerHandler<T>,
  change: Change<T>,
  isInitial: boolean,
): unknown {
  switch (change.type) {
    case 'added':
      return handler.added?.(change.object, isInitial);
    case 'updated':
      return handler.updated?.(change.before, change.after);
    case 'deleted':
      return handler.deleted?.(change.object);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
