/** Timers: a method that is called for each object every so often, as a controller of its own. */
import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import { type ControllerDefinition, nameOf, type TimerDefinition } from './definition.js';
import { finalizerStep } from './finalizer.js';
import { onUpdate } from './predicate.js';
import { requeueAfter } from './reconciler.js';

/**
 * The timer as a controller over the same objects: only that an object comes or goes wakes it, else it wakes itself. Queue, workers,
 * retries, timeouts, fences and liveness are a controller's.
 *
 * The first call comes with the object or with the term, not one interval later: of a timer whose interval is longer than most terms last
 * there would never be one.
 */
export function timerController<T extends KubernetesObject>(
  controller: ControllerDefinition<T>,
  timer: TimerDefinition<T>,
): ControllerDefinition<T> {
  const { owns, watches = [], reads, finalizer } = controller;
  const isAttended = (object: DeepReadonly<T>): boolean =>
    finalizerStep(object as DeepReadonly<KubernetesObject>, finalizer?.name) === 'reconcile';
  return {
    ...controller,
    name: nameOf(controller, timer),
    owns: [],
    // In its cache, and asleep.
    watches: watches.map((each) => ({ ...each, predicate: () => false })),
    reads: [...reads, ...owns],
    predicate: onUpdate<T>((before, after) => !isAttended(before) && isAttended(after)),
    backOff: backOffWithin(timer.every, controller.backOff),
    maxRetries: undefined,
    resyncPeriod: undefined,
    finalizer: undefined,
    timers: [],
    daemons: [],
    reconciler: {
      reconcile: async (object, context) => {
        // Its finalizer comes first: what the timer makes is to be cleaned up, too.
        if (!isAttended(object)) return undefined;
        return (await timer.call(object, context)) ?? requeueAfter(timer.every);
      },
    },
  };
}

/** A call that failed is tried again no later than the next would have come. */
function backOffWithin(
  every: number,
  { start = 5, cap = 1_000_000 }: NonNullable<ControllerDefinition['backOff']> = {},
): ControllerDefinition['backOff'] {
  return { start: Math.min(start, every), cap: Math.min(cap, every) };
}
