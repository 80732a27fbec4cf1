/** External sources: what wakes a controller from outside the cluster. */
import type { Observable } from 'rxjs';
import type { ObjectKey } from '../api/object.js';
import { aborted, LinkedAbort } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { type Duration, formatDuration, milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import { sleep } from '../kit/sleep.js';
import type { CacheReader } from './context.js';

/** Asks for a reconcile of the object with this key. One that does not exist is no matter. */
export type WakeKey = (key: ObjectKey) => void;

/** What a source can work with. */
export interface SourceContext {
  readonly clock: Clock;
  readonly cache: CacheReader;
  /** Adds controller and source to each line. */
  readonly log: Logger;
}

/**
 * Something outside the cluster that wakes a controller. Returned by a reconciler's `sources()`.
 *
 * It runs only while the controller does: under each term anew. What happens in between needs no care, since a term begins with every object.
 */
export interface Source {
  /** In logs, metrics and causes. Unique within a controller. */
  readonly name: string;
  /**
   * Works until `signal` aborts. Rejecting, or throwing, is a failure: it is called again with back-off, 800 ms doubled up to 30 s, and the
   * controller goes on. Resolving earlier means that there is nothing more to come in this term. Two calls never overlap.
   */
  run(signal: AbortSignal, wake: WakeKey, context: SourceContext): Promise<void>;
}

export interface PollOptions {
  /** From the end of one look to the start of the next. */
  readonly every: Duration;
  /** After this time a look's signal aborts, and it counts as failed. @defaultValue `'30s'` */
  readonly timeout?: Duration;
  /** Looks, and tells the keys of the objects that are to be reconciled: those that something changed for. */
  readonly look: (signal: AbortSignal, context: SourceContext) => Promise<Iterable<ObjectKey>>;
}

/** A source that looks every so often, for the first time when a term starts. */
export function poll(name: string, { every, timeout = '30s', look }: PollOptions): Source {
  const pause = milliseconds(every);
  const limit = milliseconds(timeout);
  return {
    name,
    run: async (signal, wake, context) => {
      while (!signal.aborted) {
        for (const key of await within(limit, { signal, context, look })) wake(key);
        await sleep(context.clock, pause, signal);
      }
    },
  };
}

/** A source that subscribes under each term, and unsubscribes at its end. An error of the stream is a failure: it is subscribed to again. */
export function fromObservable(name: string, keys$: Observable<ObjectKey>): Source {
  return {
    name,
    run: (signal, wake) =>
      new Promise<void>((resolve, reject) => {
        const subscription = keys$.subscribe({ next: wake, error: reject, complete: resolve });
        const end = (): void => {
          subscription.unsubscribe();
          resolve();
        };
        subscription.add(() => signal.removeEventListener('abort', end));
        if (signal.aborted) end();
        else if (!subscription.closed) signal.addEventListener('abort', end, { once: true });
      }),
  };
}

/** A source that others push into: the handler of a webhook, a message queue, another controller. */
export class PushSource implements Source {
  readonly name: string;
  readonly #wakes = new Set<WakeKey>();

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Wakes the object in each controller that has this source and runs here.
   *
   * @returns whether there was one; where there is none, nothing is lost: a term begins with every object
   */
  push(key: ObjectKey): boolean {
    for (const wake of this.#wakes) wake(key);
    return this.#wakes.size > 0;
  }

  async run(signal: AbortSignal, wake: WakeKey): Promise<void> {
    const own: WakeKey = (key) => wake(key);
    this.#wakes.add(own);
    await aborted(signal);
    this.#wakes.delete(own);
  }
}

interface Look extends Pick<PollOptions, 'look'> {
  readonly signal: AbortSignal;
  readonly context: SourceContext;
}

async function within(limit: number, { signal, context, look }: Look): Promise<Iterable<ObjectKey>> {
  using abort = new LinkedAbort(signal);
  const cancel = context.clock.schedule(limit, () => abort.abort(tooLate(limit)));
  try {
    // One that ignores its signal is left to itself.
    const given = aborted(abort.signal).then((): ObjectKey[] => {
      if (signal.aborted) return [];
      throw abort.signal.reason;
    });
    return await Promise.race([look(abort.signal, context), given]);
  } finally {
    cancel();
  }
}

function tooLate(limit: number): IncumbentError {
  return new IncumbentError(
    'SOURCE_TIMEOUT',
    `A look took longer than its timeout of ${formatDuration(limit)}.`,
  );
}
