import type { ReconcileContext } from '../controller/context.js';
import type { ReconcileResult } from '../controller/reconciler.js';

/** What a method of a class of reconcilers looks like that is called for objects. */
export type ReconcilerMethod = (object: never, context: ReconcileContext) => Promise<ReconcileResult>;

type ObjectOf<M> = M extends (object: infer T, ...rest: never[]) => unknown ? T : never;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** `unknown`, which fits everything, if the method takes what `reconcile` takes. */
export type TakesWhatItReconciles<Target, Key extends keyof Target> = Target extends {
  readonly reconcile: infer Reconcile;
}
  ? Same<ObjectOf<Target[Key]>, ObjectOf<Reconcile>> extends true
    ? unknown
    : 'The method must take the same kind of object as reconcile does.'
  : 'The method belongs into a class with a reconcile method.';

/** A decorator of such methods. */
export type ReconcilerMethodDecorator = <Target extends Record<Key, ReconcilerMethod>, Key extends string>(
  target: Target & TakesWhatItReconciles<Target, Key>,
  method: Key,
  descriptor?: TypedPropertyDescriptor<Target[Key]>,
) => void;
