/** The part that users write: something that brings one object of the cluster from where it is to where it should be. */
import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import { type Duration, milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import type { ReconcileContext } from './context.js';
import type { Source } from './external-source.js';

/**
 * Brings the world in step with one object.
 *
 * Level-triggered: a call says *that* something may differ, never what happened. Calls for one object never overlap, in one term or
 * across terms; several changes while a call runs cause one further call.
 *
 * - Returns nothing: done until something changes. The object's back-off starts afresh.
 * - Returns {@link requeueAfter}: as nothing, and called again after that time, or earlier when something changes.
 * - Throws: called again with exponential back-off (5 ms doubled up to 17 minutes), or earlier when something changes; no more than
 *   `maxRetries` times in a row, if the controller has such a limit.
 * - Returns anything else: as if it had thrown.
 * - Throws a {@link RetryError}: called again after its delay instead. Counts as an error; the object's back-off does not grow.
 * - Throws a {@link TerminalError}: not called again until something changes.
 * - Lets an API conflict (409) pass: retried with back-off and logged as routine, since a fresher object will be at hand.
 * - Ends in any way after `context.signal` aborted because the term was lost: the outcome counts for nothing. The next term,
 *   wherever it is, calls for every object.
 *
 * Objects that are gone, or that are being deleted and don't carry the controller's finalizer, are not passed.
 */
export interface Reconciler<T extends DeepReadonly<KubernetesObject> = KubernetesObject> {
  reconcile(object: DeepReadonly<T>, context: ReconcileContext): Promise<ReconcileResult>;

  /** What wakes it from outside the cluster. Asked for once, when the controller is made. @defaultValue nothing */
  sources?(): readonly Source[];
}

/** Call again after so many milliseconds. Made by {@link requeueAfter}. */
export interface RequeueAfter {
  readonly requeueAfter: number;
}

// eslint-disable-next-line typescript/no-invalid-void-type -- a reconciler without a return statement is a good one
export type ReconcileResult = RequeueAfter | undefined | void;

/**
 * A result that asks to be called again after `delay`, changes or not.
 *
 * @throws {@link IncumbentError} `DURATION_INVALID` for a delay that is no duration
 */
export function requeueAfter(delay: Duration): RequeueAfter {
  return Object.freeze({ requeueAfter: milliseconds(delay) });
}

/** Trying again can't help until the object changes: a spec that can't work, say. Code `TERMINAL`. */
export class TerminalError extends IncumbentError {
  constructor(message: string, options?: ErrorOptions) {
    super('TERMINAL', message, options);
  }
}

/** A failure that knows when trying again makes sense. Code `RETRY`. */
export class RetryError extends IncumbentError {
  /** Milliseconds. */
  readonly after: number;

  /** @throws {@link IncumbentError} `DURATION_INVALID` for an `after` that is no duration */
  constructor(message: string, { after, ...options }: ErrorOptions & { readonly after: Duration }) {
    super('RETRY', message, options);
    this.after = milliseconds(after);
  }
}
