import type { KubernetesObject } from '../api/object.js';
import type { Clock } from '../kit/clock.js';
import { Pacer } from '../kit/pacer.js';
import type { Cached } from './cached.js';
import type { StoredChange } from './change.js';
import type { StoredObject } from './stored-object.js';

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

interface Registration<T extends KubernetesObject> {
  readonly handler: InformerHandler<T>;
  /** Keys of objects that were there before it, and of which it has not heard yet. */
  readonly untold: Set<string>;
  removed: boolean;
}

/**
 * The handlers of one informer. A handler that is added while changes are told hears of the later ones only.
 *
 * What is there already is told in slices. Who changes before it was told is told once, as it is then.
 */
export class Handlers<T extends KubernetesObject> {
  readonly #clock: Clock;
  readonly #present: ReadonlyMap<string, StoredObject<T>>;
  readonly #onError: (error: unknown) => void;
  /** Replaced, never changed: who iterates over it has the handlers of one moment. */
  #registrations: readonly Registration<T>[] = [];

  constructor(
    present: ReadonlyMap<string, StoredObject<T>>,
    clock: Clock,
    onError: (error: unknown) => void,
  ) {
    this.#present = present;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Adds the handler, and tells it of the objects that are there. Returns what removes it: afterwards it is never called. */
  add(handler: InformerHandler<T>): () => void {
    const own: Registration<T> = { handler, untold: new Set(this.#present.keys()), removed: false };
    this.#registrations = [...this.#registrations, own];
    void this.#introduce(own);
    return () => {
      own.removed = true;
      own.untold.clear();
      this.#registrations = this.#registrations.filter((other) => other !== own);
    };
  }

  tell(change: StoredChange<T>, isInitial: boolean): void {
    for (const own of this.#registrations) {
      if (own.removed) continue;
      if (!own.untold.delete(change.key)) this.#call(own, change, isInitial);
      else if (change.after) this.#call(own, { type: 'added', key: change.key, after: change.after }, true);
    }
  }

  async #introduce(own: Registration<T>): Promise<void> {
    const pacer = new Pacer(this.#clock);
    for (const key of own.untold) {
      own.untold.delete(key);
      const after = this.#present.get(key);
      if (after) this.#call(own, { type: 'added', key, after }, true);
      after?.drop();
      if (pacer.isDue) await pacer.rest();
    }
  }

  #call({ handler }: Registration<T>, change: StoredChange<T>, isInitial: boolean): void {
    try {
      // Typed as void, but an async function fits as well.
      const outcome: unknown = call(handler, change, isInitial);
      if (isThenable(outcome)) outcome.then(undefined, this.#onError);
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** Nothing is parsed for a handler that does not want to know. */
function call<T extends KubernetesObject>(
  handler: InformerHandler<T>,
  change: StoredChange<T>,
  isInitial: boolean,
): unknown {
  switch (change.type) {
    case 'added':
      return handler.added && handler.added(change.after.object, isInitial);
    case 'updated':
      return handler.updated && handler.updated(change.before.object, change.after.object);
    case 'deleted':
      return handler.deleted && handler.deleted(change.before.object);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
