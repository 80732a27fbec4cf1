import { IncumbentError, type Term } from '@incumbent/core/client';
import { Acquirer } from './acquisition.js';
import { type HeldLock, whileHeld } from './held-lock.js';
import { type AcquireOptions, type LockOptions, resolveLock } from './lock-options.js';

export interface SemaphoreOptions extends LockOptions {
  /**
   * How many may hold it at once. Everybody must give the same number: the largest one counts.
   *
   * Each waiting object watches as many Leases: meant for tens, not for thousands.
   */
  readonly permits: number;
}

/**
 * A lock that `permits` many may hold at once, on the Leases `name-0`, `name-1` and so on: whoever holds one of them has a permit.
 *
 * Who asks one object is served in the order of asking. Between processes it is a race without order: who has lost one holds back for up
 * to a retry period, so that very short work may come from one process several times in a row.
 */
export class Semaphore {
  readonly #acquirer: Acquirer;

  /** @throws {@link IncumbentError} `SEMAPHORE_PERMITS`, or {@link ElectionOptionsError} when the timings don't fit each other */
  constructor({ permits, ...options }: SemaphoreOptions) {
    if (!Number.isSafeInteger(permits) || permits < 1)
      throw new IncumbentError(
        'SEMAPHORE_PERMITS',
        `Semaphore "${options.name}": permits (${permits}) must be a whole number, at least 1.`,
      );
    const leases = Array.from({ length: permits }, (_, slot) => `${options.name}-${slot}`);
    this.#acquirer = new Acquirer(resolveLock(options), options.name, leases);
  }

  /** Waits for a permit. Errors as {@link Lock.acquire}. */
  acquire(options: AcquireOptions = {}): Promise<HeldLock> {
    return this.#acquirer.acquire(options);
  }

  /** Does `work` under a permit, and gives it back: as {@link Lock.run}. A permit within a permit is allowed, and may deadlock. */
  async run<T>(work: (term: Term) => Promise<T>, options: AcquireOptions = {}): Promise<T> {
    return whileHeld(await this.acquire(options), work);
  }
}

/** Does `work` under a permit: see {@link Semaphore.run}. */
export async function withPermit<T>(
  options: SemaphoreOptions & AcquireOptions,
  work: (term: Term) => Promise<T>,
): Promise<T> {
  const { try: once, timeout, signal, ...semaphore } = options;
  return new Semaphore(semaphore).run(work, { try: once, timeout, signal });
}
