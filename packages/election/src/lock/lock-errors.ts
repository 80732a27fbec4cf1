import { IncumbentError } from '@incumbent/core/client';
import type { MicroTime } from '../lease/micro-time.js';

/** Who stands in the way, as the Lease tells. Times are by the holder's wall clock. */
export interface LockHolder {
  /** `namespace/name` of the Lease. */
  readonly lease: string;
  /** Empty where the Lease was blanked by hand while somebody may still hold it. */
  readonly identity: string;
  readonly since: MicroTime | undefined;
  readonly renewed: MicroTime | undefined;
}

/** How a held lock was lost: not renewed in time, its Lease deleted, or its Lease written by somebody else. */
export type LockLoss = 'expired' | 'deleted' | 'usurped';

/**
 * A lock was not had, or not kept. Codes: `LOCK_HELD`, `LOCK_TIMEOUT`, `LOCK_LOST`, and without a class of their own `LOCK_ABORTED` (its
 * cause is the signal's reason), `LOCK_REENTRANT`, `LOCK_UNAVAILABLE` (the server refuses, or with `try` does not answer).
 */
export class LockError extends IncumbentError {
  /** `namespace/name`. */
  readonly lock: string;

  constructor(code: string, lock: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.lock = lock;
  }
}

/** Asked for with `try`, and held by somebody else, who may also be dead for less than the lease duration: a single look can't tell. */
export class LockHeldError extends LockError {
  /** One for a lock, as many as there are permits for a semaphore. */
  readonly holders: readonly LockHolder[];

  constructor(lock: string, holders: readonly LockHolder[]) {
    super('LOCK_HELD', lock, `${lock} is held ${tell(holders)}.`);
    this.holders = holders;
  }
}

/** Not free within the timeout. */
export class LockTimeoutError extends LockError {
  /** Those seen last; empty when nobody held it, or nothing could be read. */
  readonly holders: readonly LockHolder[];

  /** `failure`: the last thing that went wrong, told where nobody holds the lock. */
  constructor(lock: string, waited: string, holders: readonly LockHolder[], failure?: string) {
    const why =
      holders.length > 0 ? `held ${tell(holders)}.` : (failure ?? 'others of this process were before us.');
    super('LOCK_TIMEOUT', lock, `${lock} was not to be had within ${waited}: ${why}`);
    this.holders = holders;
  }
}

const LOSSES: Readonly<Record<LockLoss, string>> = {
  expired: 'its lease could not be renewed in time',
  deleted: 'its Lease was deleted',
  usurped: 'somebody else wrote its Lease',
};

/** The lock was lost while it was held. Its cause is what the work threw, if it threw. */
export class LockLostError extends LockError {
  readonly loss: LockLoss;

  constructor(lock: string, term: number, loss: LockLoss, options?: ErrorOptions) {
    super(
      'LOCK_LOST',
      lock,
      `${lock} was lost in term ${term}, before the work under it had ended: ${LOSSES[loss]}. Writes under the term were refused from then on; what else the work did may overlap with the next holder's.`,
      options,
    );
    this.loss = loss;
  }
}

function tell(holders: readonly LockHolder[]): string {
  return holders
    .map(({ identity, since, renewed }) =>
      [
        `by ${identity || 'somebody whose name was removed from the Lease'}`,
        since && `since ${since.toString()}`,
        renewed && `(renewed ${renewed.toString()})`,
      ]
        .filter(Boolean)
        .join(' '),
    )
    .join(', ');
}
