import { isApiError, isConflict, isTooManyRequests } from '../api/errors.js';
import { isIncumbentError, messageOf } from '../kit/error.js';
import type { ReconcileResult, RetryError } from './reconciler.js';

/** How a call of a reconciler ended. */
export type Settled = { readonly result: ReconcileResult } | { readonly error: unknown };

/** What the end of a reconcile means for its key. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Well, and to be repeated after `delay` milliseconds. */
  | { readonly kind: 'requeueAfter'; readonly delay: number }
  /** Somebody else wrote first. Routine. */
  | { readonly kind: 'conflict'; readonly error: unknown }
  /** Failed. `after`: milliseconds that the error itself asks for, instead of the back-off. */
  | { readonly kind: 'retry'; readonly error: unknown; readonly after: number | undefined }
  /** Failed, and will again until something changes. */
  | { readonly kind: 'terminal'; readonly error: unknown }
  /** The right to work ended first: the outcome counts for nothing. */
  | { readonly kind: 'abandoned' };

/** `ended`: whether the reconcile's term, or the whole operator, ended before the reconcile did. */
export function outcomeOf(settled: Settled, ended: boolean): Outcome {
  if ('error' in settled) return outcomeOfError(settled.error, ended);
  if (ended) return { kind: 'abandoned' };
  return settled.result ? { kind: 'requeueAfter', delay: settled.result.requeueAfter } : { kind: 'done' };
}

function outcomeOfError(error: unknown, ended: boolean): Outcome {
  if (ended || isIncumbentError(error, 'AUTHORITY_LOST')) return { kind: 'abandoned' };
  if (isIncumbentError(error, 'TERMINAL')) return { kind: 'terminal', error };
  if (isConflict(error) || isIncumbentError(error, 'FINALIZER_CONFLICT')) return { kind: 'conflict', error };
  return { kind: 'retry', error, after: delayAskedFor(error) };
}

function delayAskedFor(error: unknown): number | undefined {
  if (isIncumbentError(error, 'RETRY')) return (error as RetryError).after;
  return isTooManyRequests(error) ? error.retryAfter : undefined;
}

/** Whether the error looks like a slip in the program rather than a failure of the world: what Go would panic over. */
export function isProgrammingError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true;
  const { name, cause } = error as Partial<Error>;
  // `fetch` reports a broken connection as a TypeError, with its cause.
  return name === 'ReferenceError' || (name === 'TypeError' && cause === undefined);
}

/** For a log line: the stack only where it helps to find a slip, never for an answer of the API server. */
export function describe(error: unknown): Readonly<Record<string, unknown>> {
  return isApiError(error) ? { error: messageOf(error), reason: error.reason } : { err: error };
}
