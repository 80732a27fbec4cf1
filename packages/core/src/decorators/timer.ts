import 'reflect-metadata';
import type { Duration } from '../kit/duration.js';
import type { ReconcilerMethodDecorator } from './reconciler-method.js';

export interface TimerMetadata {
  /** Name of the method. */
  readonly method: string;
  readonly every: Duration;
}

const TIMERS = Symbol.for('incumbent.dev/timers');

/**
 * Makes a method a timer: it is called for each object every so often, as long as the object lives and the controller works.
 *
 * - The first call comes with the object, or with the term; each further one `every` after the end of the one before. Calls of one timer
 *   for one object never overlap; those of another timer, or of `reconcile`, may run at the same time.
 * - Returning `requeueAfter` sets the next interval, throwing tries again with the controller's back-off, at the latest after `every`, and
 *   a `TerminalError` ends the object's timer until the next term.
 * - Objects that are being deleted are left alone, and so are those that don't carry the class's `@Finalizer` yet.
 *
 * It is a controller of its own in logs, metrics and as a field manager: `VolumeController.refresh`. `concurrency`, `reconcileTimeout`,
 * `backOff`, `retryRate` and `on` are the class's.
 *
 * @see kopf, `@kopf.timer`
 */
export function Timer(every: Duration): ReconcilerMethodDecorator {
  return (target, method) => {
    const timers = [...timersOf(target.constructor), Object.freeze({ method, every })];
    Reflect.defineMetadata(TIMERS, Object.freeze(timers), target.constructor);
  };
}

export function timersOf(target: object): readonly TimerMetadata[] {
  return (Reflect.getOwnMetadata(TIMERS, target) as readonly TimerMetadata[] | undefined) ?? [];
}
