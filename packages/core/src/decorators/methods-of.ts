import type { KubernetesObject } from '../api/object.js';
import type { ControllerDefinition, MethodDefinition } from '../controller/definition.js';
import type { Reconciler } from '../controller/reconciler.js';
import { type Duration, milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import { daemonsOf } from './daemon.js';
import { timersOf } from './timer.js';

/** The timers and daemons of a class, checked, without an instance of it. */
export interface MethodsPlan {
  readonly timers: readonly { readonly method: string; readonly every: number }[];
  readonly daemons: readonly string[];
}

/** @throws {@link IncumbentError} `CONTROLLER_INVALID` */
export function planMethods(name: string, target: object): MethodsPlan {
  const timers = timersOf(target).map(({ method, every }) => ({
    method,
    every: intervalOf(name, method, every),
  }));
  const daemons = daemonsOf(target);
  const methods = [...timers.map(({ method }) => method), ...daemons];
  const twice = methods.find((method, index) => methods.indexOf(method) !== index);
  if (twice !== undefined)
    throw invalid(name, `has more than one @Timer or @Daemon on ${twice}: give each a method of its own`);
  return { timers, daemons };
}

/** The methods of an instance. @throws {@link IncumbentError} `CONTROLLER_INVALID` when one is not there */
export function methodDefinitions(
  name: string,
  reconciler: Reconciler,
  { timers, daemons }: MethodsPlan,
): Pick<ControllerDefinition, 'timers' | 'daemons'> {
  return {
    timers: timers.map(({ method, every }) => ({ every, ...bound(name, reconciler, method) })),
    daemons: daemons.map((method) => bound(name, reconciler, method)),
  };
}

function bound(name: string, reconciler: Reconciler, method: string): MethodDefinition<KubernetesObject> {
  const call = (reconciler as unknown as Readonly<Record<string, unknown>>)[method];
  // A module may bind the class to something else.
  if (typeof call !== 'function')
    throw invalid(
      name,
      `has @Timer or @Daemon on ${method}, but the object that was made of it has no such method`,
    );
  return { method, call: call.bind(reconciler) as MethodDefinition<KubernetesObject>['call'] };
}

function intervalOf(name: string, method: string, every: Duration): number {
  try {
    const interval = milliseconds(every);
    if (interval > 0) return interval;
  } catch {
    // Said below, with the method's name.
  }
  throw invalid(name, `has @Timer('${every}') on ${method}: give a time above 0, such as '10s'`);
}

function invalid(name: string, what: string): IncumbentError {
  return new IncumbentError('CONTROLLER_INVALID', `${name} ${what}.`);
}
