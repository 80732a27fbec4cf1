import 'reflect-metadata';
import type { ReconcileContext } from '../controller/context.js';
import type { ReconcileResult } from '../controller/reconciler.js';
import { IncumbentError } from '../kit/error.js';

type Method = (object: never, context: ReconcileContext) => Promise<ReconcileResult>;
type ObjectOf<M> = M extends (object: infer T, ...rest: never[]) => unknown ? T : never;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** `unknown`, which fits everything, if the method takes what `reconcile` takes. */
type CleansUpWhatItReconciles<Target, Key extends keyof Target> = Target extends {
  readonly reconcile: infer Reconcile;
}
  ? Same<ObjectOf<Target[Key]>, ObjectOf<Reconcile>> extends true
    ? unknown
    : 'The cleanup must take the same kind of object as reconcile does.'
  : 'A finalizer belongs into a class with a reconcile method.';

export interface FinalizerMetadata {
  readonly name: string;
  /** Name of the method. */
  readonly method: string;
}

const FINALIZER = Symbol.for('incumbent.dev/finalizer');

/**
 * Makes a method the cleanup that an object waits for when it is deleted.
 *
 * The finalizer is put on each object before its first reconcile. While the object is being deleted only this method runs: returning
 * nothing takes the finalizer off, `requeueAfter` keeps it, and a throw keeps it and tries again. It must stand being run twice.
 *
 * @param name `domain/name`, never to be changed once objects carry it: those would stay forever
 * @throws {@link IncumbentError} `FINALIZER_INVALID` for a name of another form, or for a second one in a class
 */
export function Finalizer(name: `${string}/${string}`) {
  return <Target extends Record<Key, Method>, Key extends string>(
    target: Target & CleansUpWhatItReconciles<Target, Key>,
    method: Key,
    _descriptor?: TypedPropertyDescriptor<Target[Key]>,
  ): void => {
    const known = finalizerOf(target.constructor);
    if (known)
      throw invalid(`${target.constructor.name} has a second @Finalizer: ${known.name} and ${name}.`);
    if (!/^[a-z0-9.-]+\.[a-z0-9-]+\/[A-Za-z0-9._-]+$/.test(name))
      throw invalid(`"${name}" is no finalizer: write domain/name, such as "backup.example.com/archives".`);
    Reflect.defineMetadata(FINALIZER, Object.freeze({ name, method }), target.constructor);
  };
}

export function finalizerOf(target: object): FinalizerMetadata | undefined {
  return Reflect.getOwnMetadata(FINALIZER, target) as FinalizerMetadata | undefined;
}

function invalid(message: string): IncumbentError {
  return new IncumbentError('FINALIZER_INVALID', message);
}
