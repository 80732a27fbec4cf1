import 'reflect-metadata';
import type { ReconcilerMethodDecorator } from './reconciler-method.js';

const DAEMONS = Symbol.for('incumbent.dev/daemons');

/**
 * Makes a method a daemon: it is called once for each object, and goes on for as long as the object lives and the controller works.
 *
 * - `context.signal` aborts when the object is being deleted or gone, is no longer selected, the term is lost or the operator stops: give
 *   it to everything that waits, and return soon after. For one object there are never two at once, not across terms either, and cleanup
 *   by the class's `@Finalizer` waits until its daemons have ended.
 * - Returning ends it until the next term, `requeueAfter` starts it again after that time, throwing starts it again after 1 s, doubled up
 *   to a minute, and a `TerminalError` ends it until the next term.
 * - It is called with the object as it is at the start: `context.cache.get` has it as it is later.
 * - Objects that don't carry the class's `@Finalizer` yet get theirs once they do. `reconcile` and timers may run at the same time.
 *
 * In logs, metrics and as a field manager it is called `VolumeController.follow`. It works `on` the replicas that the class does.
 *
 * @see kopf, `@kopf.daemon`
 */
export function Daemon(): ReconcilerMethodDecorator {
  return (target, method) => {
    const daemons = [...daemonsOf(target.constructor), method];
    Reflect.defineMetadata(DAEMONS, Object.freeze(daemons), target.constructor);
  };
}

/** Names of the methods. */
export function daemonsOf(target: object): readonly string[] {
  return (Reflect.getOwnMetadata(DAEMONS, target) as readonly string[] | undefined) ?? [];
}
