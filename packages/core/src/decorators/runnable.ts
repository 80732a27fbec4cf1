import 'reflect-metadata';
import { injectable } from 'inversify';
import type { Runnable as RunnablePart } from '../controller/runnable.js';

export interface RunnableOptions {
  /** In logs and metrics; unique within an operator. @defaultValue the class's name */
  readonly name?: string;
  /** `'leader'`: on the replica that leads. `'every-replica'`: on each, where nothing fences its writes. @defaultValue `'leader'` */
  readonly on?: 'leader' | 'every-replica';
}

export type Runnable = RunnablePart;

/** A class of runnables. Whatever its constructor takes comes from the operator's container. */
export type RunnableClass = new (...dependencies: never[]) => Runnable;

const RUNNABLE = Symbol.for('incumbent.dev/runnable');

/** Makes a class with a `run` method part of an operator, and injectable. Give it to the operator's `runnables`. */
export function Runnable(options: RunnableOptions = {}): (target: RunnableClass) => void {
  return (target) => {
    injectable()(target);
    Reflect.defineMetadata(RUNNABLE, Object.freeze({ ...options }), target);
  };
}

/** What was written at the class itself; a base class's is not inherited. */
export function runnableOptionsOf(target: object): RunnableOptions | undefined {
  return Reflect.getOwnMetadata(RUNNABLE, target) as RunnableOptions | undefined;
}
