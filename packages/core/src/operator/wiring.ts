/** Everything about an operator's classes that can be checked before anything starts, each fault told in a sentence that names the controller. */
import type { Container, ServiceIdentifier } from 'inversify';
import { type ControllerDefinition, nameOf } from '../controller/definition.js';
import type { Reconciler } from '../controller/reconciler.js';
import { controllerOptionsOf, type ReconcilerClass } from '../decorators/controller.js';
import { type ControllerPlan, finalizerDefinition, planOf } from '../decorators/definition-of.js';
import { finalizerOf } from '../decorators/finalizer.js';
import { methodDefinitions, type MethodsPlan, planMethods } from '../decorators/methods-of.js';
import { type Runnable, type RunnableClass, runnableOptionsOf } from '../decorators/runnable.js';
import { IncumbentError, messageOf } from '../kit/error.js';

export interface Planned {
  readonly target: ReconcilerClass;
  readonly plan: ControllerPlan;
  readonly methods: MethodsPlan;
}

/** @throws {@link IncumbentError} `CONTROLLER_INVALID`, `CONTROLLER_DUPLICATE` */
export function planAll(
  classes: readonly ReconcilerClass[],
  namespaces: readonly string[] | undefined,
): Planned[] {
  const planned = classes.map((target) => {
    const plan = planFor(target, namespaces);
    return { target, plan, methods: planMethods(plan.name, target) };
  });
  const twice = firstRepeated(planned.flatMap(namesOf));
  if (twice !== undefined)
    throw new IncumbentError(
      'CONTROLLER_DUPLICATE',
      `Two controllers are called ${twice}: give one of them another name by @Controller({ name }).`,
    );
  return planned;
}

/** Under which it appears in logs and metrics: its own, and those of its timers and daemons. */
function namesOf({ plan, methods: { timers, daemons } }: Planned): string[] {
  const methods = [...timers, ...daemons.map((method) => ({ method }))];
  return [plan.name, ...methods.map((each) => nameOf(plan, each))];
}

export interface PlannedRunnable {
  readonly target: RunnableClass;
  readonly name: string;
  readonly on: 'leader' | 'every-replica';
}

/** @throws {@link IncumbentError} `RUNNABLE_INVALID`, `RUNNABLE_DUPLICATE` */
export function planRunnables(classes: readonly (RunnableClass | undefined)[]): PlannedRunnable[] {
  const planned = classes.map(planRunnable);
  const twice = firstRepeated(planned.map(({ name }) => name));
  if (twice !== undefined)
    throw new IncumbentError(
      'RUNNABLE_DUPLICATE',
      `Two runnables are called ${twice}: give one of them another name by @Runnable({ name }).`,
    );
  return planned;
}

function planRunnable(target: RunnableClass | undefined): PlannedRunnable {
  const invalid = (what: string) => new IncumbentError('RUNNABLE_INVALID', what);
  if (!target) throw invalid('An entry of `runnables` is undefined: is there a circular import?');
  const options = runnableOptionsOf(target);
  if (!options) throw invalid(`${target.name} is no runnable: decorate the class with @Runnable().`);
  return { target, name: options.name ?? target.name, on: options.on ?? 'leader' };
}

function firstRepeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

function planFor(
  target: ReconcilerClass | undefined,
  namespaces: readonly string[] | undefined,
): ControllerPlan {
  if (!target)
    throw new IncumbentError(
      'CONTROLLER_INVALID',
      'An entry of `controllers` is undefined: is there a circular import?',
    );
  const options = controllerOptionsOf(target);
  if (!options)
    throw new IncumbentError(
      'CONTROLLER_INVALID',
      `${target.name} is no controller: decorate the class with @Controller({ for: ... }).`,
    );
  const plan = planOf(target.name, options);
  return { ...plan, namespaces: plan.namespaces ?? namespaces };
}

/** The class as its own token: what it takes is inversify's business, not the compiler's. */
export function identifierOf<T>(target: new (...dependencies: never[]) => T): ServiceIdentifier<T> {
  return target as unknown as ServiceIdentifier<T>;
}

/**
 * Makes the reconciler out of a container.
 *
 * @throws {@link IncumbentError} `CONTROLLER_UNRESOLVED` when its constructor asks for something that nobody binds, `CONTROLLER_INVALID`
 * when it lacks a method that the class decorates
 */
export async function resolveDefinition(
  { target, plan, methods }: Planned,
  container: Container,
): Promise<ControllerDefinition> {
  const reconciler = await instanceOf<Reconciler>(target, plan.name, container);
  const finalizer = finalizerDefinition(reconciler, finalizerOf(target));
  return { ...plan, reconciler, finalizer, ...methodDefinitions(plan.name, reconciler, methods) };
}

/** @throws {@link IncumbentError} `CONTROLLER_UNRESOLVED`, as for a controller */
export function resolveRunnable({ target, name }: PlannedRunnable, container: Container): Promise<Runnable> {
  return instanceOf<Runnable>(target, name, container);
}

async function instanceOf<T>(
  target: new (...dependencies: never[]) => T,
  name: string,
  container: Container,
): Promise<T> {
  try {
    return await container.getAsync(identifierOf(target));
  } catch (error) {
    throw new IncumbentError(
      'CONTROLLER_UNRESOLVED',
      `${name} can't be made: ${firstSentence(error)} Bind what its constructor asks for in one of the operator's \`modules\`.`,
      { cause: error },
    );
  }
}

function firstSentence(error: unknown): string {
  const line = (messageOf(error).split('\n')[0] ?? '').trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
