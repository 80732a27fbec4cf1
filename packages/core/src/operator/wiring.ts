/** Everything about an operator's classes that can be checked before anything starts, each fault told in a sentence that names the controller. */
import type { Container, ServiceIdentifier } from 'inversify';
import type { ControllerDefinition } from '../controller/definition.js';
import type { Reconciler } from '../controller/reconciler.js';
import { controllerOptionsOf, type ReconcilerClass } from '../decorators/controller.js';
import { type ControllerPlan, finalizerDefinition, planOf } from '../decorators/definition-of.js';
import { finalizerOf } from '../decorators/finalizer.js';
import { IncumbentError, messageOf } from '../kit/error.js';

export interface Planned {
  readonly target: ReconcilerClass;
  readonly plan: ControllerPlan;
}

/** @throws {@link IncumbentError} `CONTROLLER_INVALID`, `CONTROLLER_DUPLICATE` */
export function planAll(
  classes: readonly ReconcilerClass[],
  namespaces: readonly string[] | undefined,
): Planned[] {
  const planned = classes.map((target) => ({ target, plan: planFor(target, namespaces) }));
  const names = new Set<string>();
  for (const { plan } of planned) {
    if (names.has(plan.name))
      throw new IncumbentError(
        'CONTROLLER_DUPLICATE',
        `Two controllers are called ${plan.name}: give one of them another name by @Controller({ name }).`,
      );
    names.add(plan.name);
  }
  return planned;
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
export function identifierOf(target: ReconcilerClass): ServiceIdentifier<Reconciler> {
  return target as unknown as ServiceIdentifier<Reconciler>;
}

/**
 * Makes the reconciler out of a container.
 *
 * @throws {@link IncumbentError} `CONTROLLER_UNRESOLVED` when its constructor asks for something that nobody binds
 */
export async function resolveDefinition(
  { target, plan }: Planned,
  container: Container,
): Promise<ControllerDefinition> {
  const reconciler = await instanceOf(target, plan.name, container);
  const finalizer = finalizerDefinition(reconciler, finalizerOf(target));
  return { ...plan, reconciler, finalizer };
}

async function instanceOf(target: ReconcilerClass, name: string, container: Container): Promise<Reconciler> {
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
