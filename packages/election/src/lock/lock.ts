/**
 * Locks on Leases: mutual exclusion between processes of a cluster.
 *
 * Each acquisition is a short election: a new elector with an identity of its own campaigns for the Lease, and its term lasts until the
 * release. So a lock has an election's guarantees and limits: nobody works under it before the last holder's term is over;
 * who loses it can't write under its term any more; effects outside the API are not fenced.
 */
import { type Term, formatKey } from '@incumbent/core/client';
import { Acquirer } from './acquisition.js';
import { type HeldLock, whileHeld } from './held-lock.js';
import { LockError } from './lock-errors.js';
import { type AcquireOptions, type LockOptions, type ResolvedLock, resolveLock } from './lock-options.js';
import { holding, isHeldHere } from './reentrancy.js';

/** A lock by name. One object may be used by many at once: they exclude each other, and have their turns in the order of asking. */
export class Lock {
  /** `namespace/name`. */
  readonly name: string;
  readonly #acquirer: Acquirer;
  readonly #globalName: string;

  /** @throws {@link ElectionOptionsError} when the timings don't fit each other */
  constructor(options: LockOptions) {
    const lock: ResolvedLock = resolveLock(options);
    this.name = formatKey({ namespace: lock.namespace, name: options.name });
    this.#acquirer = new Acquirer(lock, options.name, [options.name]);
    this.#globalName = lock.globalName(options.name);
  }

  /**
   * Waits for the lock; `await using` gives it back at the end of the block. Prefer {@link run}, which can't be forgotten.
   *
   * Locks are not reentrant: within {@link run} it is refused (`LOCK_REENTRANT`); who holds what this returned and asks again waits
   * for itself, so give a timeout.
   *
   * @throws {@link LockHeldError} with `try`
   * @throws {@link LockTimeoutError} after `timeout`
   * @throws {@link LockError} `LOCK_ABORTED`, `LOCK_REENTRANT`, or `LOCK_UNAVAILABLE` when the server refuses, with the missing RBAC rule
   */
  async acquire(options: AcquireOptions = {}): Promise<HeldLock> {
    if (isHeldHere(this.#globalName))
      throw new LockError(
        'LOCK_REENTRANT',
        this.name,
        `${this.name} is held by the very work that asks for it: it would wait for itself. Pass the term on instead.`,
      );
    return this.#acquirer.acquire(options);
  }

  /**
   * Does `work` under the lock, and gives the lock back when it has ended.
   *
   * If the lock is lost meanwhile, `term.signal` aborts; the work is still awaited, and the result is a {@link LockLostError},
   * whatever the work returned.
   *
   * @throws what `work` throws, and as {@link acquire}
   */
  async run<T>(work: (term: Term) => Promise<T>, options: AcquireOptions = {}): Promise<T> {
    const held = await this.acquire(options);
    return whileHeld(held, (term) => holding(this.#globalName, () => work(term)));
  }
}

/** Does `work` under the lock: see {@link Lock.run}. */
export async function withLock<T>(
  options: LockOptions & AcquireOptions,
  work: (term: Term) => Promise<T>,
): Promise<T> {
  const { try: once, timeout, signal, ...lock } = options;
  return new Lock(lock).run(work, { try: once, timeout, signal });
}
