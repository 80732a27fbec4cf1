import { inspect } from 'node:util';
import { isApiError, isConflict, isTooManyRequests } from '../api/errors.js';
import { IncumbentError, isIncumbentError, messageOf } from '../kit/error.js';
import type { ReconcileResult, RequeueAfter, RetryError } from './reconciler.js';

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
  /** Failed once more than it may in a row: left alone until something changes. */
  | { readonly kind: 'gaveUp'; readonly error: unknown }
  /** Failed, and will again until something changes. */
  | { readonly kind: 'terminal'; readonly error: unknown }
  /** The right to work ended first: the outcome counts for nothing. */
  | { readonly kind: 'abandoned' };

export interface Circumstances {
  /** Whether the reconcile's term, or the whole operator, ended before the reconcile did. */
  readonly ended: boolean;
  /** How often a failure may still be tried again. @defaultValue without limit */
  readonly retriesLeft?: number;
}

export function outcomeOf(settled: Settled, circumstances: Circumstances): Outcome {
  if ('error' in settled) return outcomeOfError(settled.error, circumstances);
  if (circumstances.ended) return { kind: 'abandoned' };
  const { result } = settled;
  if (!result) return { kind: 'done' };
  if (isRequeueAfter(result)) return { kind: 'requeueAfter', delay: result.requeueAfter };
  return outcomeOfError(new InvalidResultError(result), circumstances);
}

function outcomeOfError(error: unknown, { ended, retriesLeft = Infinity }: Circumstances): Outcome {
  if (ended || isIncumbentError(error, 'AUTHORITY_LOST')) return { kind: 'abandoned' };
  if (isIncumbentError(error, 'TERMINAL')) return { kind: 'terminal', error };
  if (isConflict(error) || isIncumbentError(error, 'FINALIZER_CONFLICT')) return { kind: 'conflict', error };
  // A server that is too busy says nothing about the object.
  if (retriesLeft <= 0 && !isTooManyRequests(error)) return { kind: 'gaveUp', error };
  return { kind: 'retry', error, after: delayAskedFor(error) };
}

/** Types can be talked round, and programs without types know none. */
function isRequeueAfter(result: unknown): result is RequeueAfter {
  const delay = (result as Partial<RequeueAfter>).requeueAfter;
  return typeof delay === 'number' && delay >= 0 && Number.isFinite(delay);
}

class InvalidResultError extends IncumbentError {
  constructor(result: unknown) {
    super(
      'RESULT_INVALID',
      `The reconciler returned ${inspect(result, { depth: 1, breakLength: Infinity }).slice(0, 200)}: return nothing, or requeueAfter('10m').`,
    );
  }
}

function delayAskedFor(error: unknown): number | undefined {
  if (isIncumbentError(error, 'RETRY')) return (error as RetryError).after;
  return isTooManyRequests(error) ? error.retryAfter : undefined;
}

/** Whether the error looks like a slip in the program rather than a failure of the world: what Go would panic over. */
export function isProgrammingError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || isIncumbentError(error, 'RESULT_INVALID')) return true;
  const { name, cause } = error as Partial<Error>;
  // `fetch` reports a broken connection as a TypeError, with its cause.
  return name === 'ReferenceError' || (name === 'TypeError' && cause === undefined);
}

/** For a log line: the stack only where it helps to find a slip, never for an answer of the API server. */
export function describe(error: unknown): Readonly<Record<string, unknown>> {
  return isApiError(error) ? { error: messageOf(error), reason: error.reason } : { err: error };
}
