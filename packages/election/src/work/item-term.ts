import { AuthorityLostError, type Clock, LinkedAbort, type Term, sleep } from '@incumbent/core/client';
import type { TermTimings } from '../term/lease-term.js';
import { UnsettledWrites } from '../term/unsettled-writes.js';

export interface ItemTermOptions {
  readonly id: string;
  readonly epoch: number;
  /** The member's own, under which all its items are. */
  readonly parent: Term;
  readonly timings: TermTimings;
  readonly clock: Clock;
}

/** The right to one item: for as long as the member's term lasts, at most until the item is done or given back. */
export class ItemTerm implements Term {
  readonly number: number;
  readonly token: string;
  readonly #options: ItemTermOptions;
  readonly #abort: LinkedAbort;
  readonly #unsettled: UnsettledWrites;
  #onAnswer = (): void => {};
  #ended = false;

  constructor(options: ItemTermOptions) {
    this.#options = options;
    this.number = options.epoch;
    this.token = String(options.epoch);
    this.#abort = new LinkedAbort(options.parent.signal);
    this.#unsettled = new UnsettledWrites(options.clock, () => this.#onAnswer());
  }

  /** Aborts when the member's term ends, and when the item is asked back. In the latter case writes still go through. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when nothing that was sent under it can take effect any more, or when `signal` aborts. */
  async settled(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted && this.#unsettled.until > clock.monotonic()) {
      using answered = new LinkedAbort(signal);
      this.#onAnswer = () => answered.abort();
      await sleep(clock, this.#unsettled.until - clock.monotonic(), answered.signal);
    }
  }

  remaining(): number {
    return this.#ended ? 0 : this.#options.parent.remaining();
  }

  assertHeld(): void {
    if (this.#ended) throw this.#lost('is over');
    this.#options.parent.assertHeld();
  }

  mayStillCommit(ms: number): () => void {
    const { parent, timings } = this.#options;
    const settle = this.#unsettled.add(ms + timings.leaseDuration - timings.renewDeadline);
    const settleParent = parent.mayStillCommit(ms);
    return () => {
      settle();
      settleParent();
    };
  }

  /** Asks the work to end. */
  revoke(): void {
    if (!this.signal.aborted) this.#abort.abort(this.#lost('is asked back'));
  }

  /** From now on nothing is sent under it. */
  end(): void {
    this.#ended = true;
    this.#abort.abort(this.#lost('is over'));
  }

  #lost(what: string): AuthorityLostError {
    return new AuthorityLostError(`Assignment ${this.number} of ${this.#options.id} ${what}.`);
  }
}
