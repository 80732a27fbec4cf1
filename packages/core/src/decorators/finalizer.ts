import 'reflect-metadata';
import { IncumbentError } from '../kit/error.js';
import type { ReconcilerMethodDecorator } from './reconciler-method.js';

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
export function Finalizer(name: `${string}/${string}`): ReconcilerMethodDecorator {
  return (target, method) => {
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
