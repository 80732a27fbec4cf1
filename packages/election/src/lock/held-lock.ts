import type { Term } from '@incumbent/core/client';
import { LeaseTerm } from '../term/lease-term.js';
import type { Candidacy } from './candidacy.js';
import { type LockLoss, LockLostError } from './lock-errors.js';

/** A lock, or a permit of a semaphore, that is held. The lease is renewed until {@link release}. */
export class HeldLock implements AsyncDisposable {
  /** `namespace/name` of the Lease. */
  readonly lease: string;
  /** Write through `client.under(term)`; stop when `term.signal` aborts. */
  readonly term: Term;
  readonly #candidacy: Candidacy;
  #released: Promise<void> | undefined;

  constructor(candidacy: Candidacy, term: Term) {
    this.lease = candidacy.name;
    this.term = term;
    this.#candidacy = candidacy;
  }

  /**
   * Gives the lock back: only when all work under it has ended. Resolves when the next may have it; where the server does not
   * answer, at the latest when the term would be over anyway. Later calls return the same promise.
   *
   * @throws {@link LockLostError} when the lock was lost before the call: work done meanwhile was not protected
   */
  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    const loss = lossOf(this.term);
    await this.#candidacy.stop();
    if (loss) throw new LockLostError(this.lease, this.term.number, loss);
  }
}

/** Asks the clock: the timer that ends the term may not have had its turn. */
function lossOf(term: Term): LockLoss | undefined {
  if (term.remaining() > 0) return undefined;
  const end = term instanceof LeaseTerm ? term.end : undefined;
  return end === 'deleted' || end === 'usurped' ? end : 'expired';
}

/** Does the work and gives the lock back, in this order. The work's outcome counts only if the lock was held to its end. */
export async function whileHeld<T>(held: HeldLock, work: (term: Term) => Promise<T>): Promise<T> {
  const outcome = await settled(held.term, work);
  try {
    await held.release();
  } catch (error) {
    if (!(error instanceof LockLostError) || !outcome.failed) throw error;
    throw new LockLostError(held.lease, held.term.number, error.loss, { cause: outcome.error });
  }
  if (outcome.failed) throw outcome.error;
  return outcome.value;
}

type Outcome<T> =
  { readonly failed: false; readonly value: T } | { readonly failed: true; readonly error: unknown };

async function settled<T>(term: Term, work: (term: Term) => Promise<T>): Promise<Outcome<T>> {
  try {
    return { failed: false, value: await work(term) };
  } catch (error) {
    return { failed: true, error };
  }
}
