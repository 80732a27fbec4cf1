import type { Clock } from '../kit/clock.js';

/** One call of a reconciler. Times are monotonic milliseconds. */
interface Call {
  readonly controller: string;
  readonly key: string;
  readonly startedAt: number;
  /** When it first waited for something: all before that was one uninterrupted stretch on the event loop. */
  returnedAt: number;
  endedAt: number;
}

export type Suspect = Pick<Call, 'controller' | 'key'>;

/** What a call tells the trace about itself. */
export interface TracedCall {
  returned(): void;
  ended(): void;
}

/** Calls that were this short block nobody for long, and needn't be remembered. Milliseconds. */
const SHORT = 50;

/**
 * Remembers which reconciles ran when, to say later who may have blocked the event loop.
 *
 * JavaScript does not tell whose turn it is after an `await`. So this claims no more than it knows: a call that kept the loop
 * for its first stretch is certain; of those that were under way, any may have been it.
 */
export class ReconcileTrace {
  readonly #clock: Clock;
  readonly #running = new Set<Call>();
  #ended: Call[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(controller: string, key: string): TracedCall {
    const startedAt = this.#clock.monotonic();
    const call: Call = { controller, key, startedAt, returnedAt: Infinity, endedAt: Infinity };
    this.#running.add(call);
    return {
      returned: () => (call.returnedAt = this.#clock.monotonic()),
      ended: () => this.#end(call),
    };
  }

  /** Who may have kept the loop from `from` until now: one if it is known, else all that were under way for most of it. */
  suspects(from: number): { readonly certain: boolean; readonly suspects: readonly Suspect[] } {
    const now = this.#clock.monotonic();
    const most = (now - from) / 2;
    const within = (start: number, end: number): boolean =>
      Math.min(end, now) - Math.max(start, from) >= most;
    const calls = [...this.#running, ...this.#ended];
    const culprit = calls.find(({ startedAt, returnedAt }) => within(startedAt, returnedAt));
    if (culprit) return { certain: true, suspects: [culprit] };
    return { certain: false, suspects: calls.filter(({ startedAt, endedAt }) => within(startedAt, endedAt)) };
  }

  /** Forgets the calls that have ended: the loop has turned since. */
  turned(): void {
    this.#ended = [];
  }

  #end(call: Call): void {
    call.endedAt = this.#clock.monotonic();
    this.#running.delete(call);
    // It ends in the turn in which it blocked the loop, before any timer can tell.
    if (call.endedAt - call.startedAt >= SHORT) this.#ended.push(call);
  }
}
