/** A right to act that is limited in time. This folder knows no Lease: an election grants such rights, and so does {@link alone}. */
import { IncumbentError } from '../kit/error.js';

export interface Authority {
  /** Aborts when the right is lost. A hint to stop early: what keeps a late write in is {@link assertHeld}. */
  readonly signal: AbortSignal;
  /** Milliseconds for which the right is known to last, read from the clock at each call. Zero or less: lost. */
  remaining(): number;
  /** @throws {@link AuthorityLostError} when the right is lost, or can no longer be known to be held */
  assertHeld(): void;
  /**
   * Tells that a write is being sent under this right, which may take effect during the next `ms` milliseconds. The right is not
   * handed on until they are over, or the function that is returned is called: the write was answered.
   */
  mayStillCommit(ms: number): () => void;
}

/** The right to act is gone: nothing was sent. Work that meets this error stops; the next term's work starts afresh. */
export class AuthorityLostError extends IncumbentError {
  constructor(message: string, options?: ErrorOptions) {
    super('AUTHORITY_LOST', message, options);
  }
}

/** An authority from winning an election to losing it. A replica that wins again holds a new term. */
export interface Term extends Authority {
  /** Counts up with every acquisition. For people; compare {@link token} instead. */
  readonly number: number;
  /** Rises with every acquisition: a decimal integer of any length, to name things by and to fence systems outside the cluster. */
  readonly token: string;
}
