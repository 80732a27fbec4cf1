/** Dependents: the children that a controller wants for each of its objects. They are made in order, kept, and deleted when no longer wanted. */
import type { ConditionUpdate } from '../api/condition.js';
import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { ReconcileContext } from '../controller/context.js';
import { IncumbentError } from '../kit/error.js';
import type { ChildState, Dependent } from './dependent.js';

export interface Child {
  /** Name of the dependent. */
  readonly name: string;
  readonly state: ChildState;
}

export interface DependentsReport {
  readonly children: readonly Child[];
  /** Whether every wanted child is ready, and every other one gone. */
  readonly ready: boolean;
  /** The same as a condition `Ready`, for `setCondition`. */
  readonly condition: ConditionUpdate;
}

/**
 * All dependents of one kind of owner.
 *
 * Its `kinds` go into the controller's `owns`, so that a change of a child wakes its owner; its `reconcile` is called by the controller's.
 * Children are deleted with their owner by the garbage collector, so no finalizer is needed for them.
 *
 * @see JOSDK, dependent resources and workflows
 */
export class Dependents<Owner extends KubernetesObject> {
  readonly #inOrder: readonly Dependent<Owner>[];

  /** @throws {@link IncumbentError} `DEPENDENTS_INVALID`: two of one name, a circle, or one that comes after one that is not given */
  constructor(...dependents: Dependent<Owner>[]) {
    this.#inOrder = inOrder(dependents);
  }

  get kinds(): readonly Resource[] {
    return [...new Set(this.#inOrder.map(({ resource }) => resource))];
  }

  /** One pass over all of them: what is not wanted is deleted, last first, then what is wanted is made or kept, first first. */
  async reconcile(owner: DeepReadonly<Owner>, context: ReconcileContext): Promise<DependentsReport> {
    const states = new Map<Dependent<Owner>, ChildState>();
    const wanted = new Set(this.#inOrder.filter((each) => each.isWanted(owner, context)));
    for (const each of this.#inOrder.toReversed())
      if (!wanted.has(each)) states.set(each, await this.#remove(each, owner, context, states));
    for (const each of this.#inOrder) {
      if (!wanted.has(each)) continue;
      const blocked = each.after.some((earlier) => states.get(earlier) !== 'ready');
      states.set(each, blocked ? 'waiting' : await each.keep(owner, context));
    }
    return report(
      this.#inOrder.map((each) => ({ name: each.name, state: states.get(each) ?? 'absent' })),
      owner,
    );
  }

  /** Those that come after it go first. */
  async #remove(
    each: Dependent<Owner>,
    owner: DeepReadonly<Owner>,
    context: ReconcileContext,
    states: ReadonlyMap<Dependent<Owner>, ChildState>,
  ): Promise<ChildState> {
    const blocked = this.#inOrder.some(
      (later) => later.after.includes(each) && states.get(later) !== 'absent',
    );
    return blocked ? 'waiting' : each.remove(owner, context);
  }
}

function report<Owner extends KubernetesObject>(
  children: readonly Child[],
  owner: DeepReadonly<Owner>,
): DependentsReport {
  const unsettled = children.filter(({ state }) => state !== 'ready' && state !== 'absent');
  const ready = unsettled.length === 0;
  const { generation } = (owner as DeepReadonly<KubernetesObject>).metadata;
  const condition: ConditionUpdate = {
    type: 'Ready',
    status: ready ? 'True' : 'False',
    reason: ready ? 'DependentsReady' : 'DependentsNotReady',
    message: ready
      ? 'Every dependent is as it should be.'
      : `${unsettled.map(({ name, state }) => `${name} ${WORDS[state]}`).join(', ')}.`,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  return { children, ready, condition };
}

const WORDS: Readonly<Record<ChildState, string>> = {
  ready: 'is ready',
  notReady: 'is not ready yet',
  waiting: 'waits for others',
  absent: 'is not wanted',
  deleting: 'is being deleted',
};

/** Each after those that it names; otherwise as given. */
function inOrder<Owner extends KubernetesObject>(
  dependents: readonly Dependent<Owner>[],
): readonly Dependent<Owner>[] {
  const names = dependents.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`Two dependents are called ${twice}: give one of them a \`name\`.`);
  const stranger = dependents.flatMap(({ after }) => after).find((earlier) => !dependents.includes(earlier));
  if (stranger) throw invalid(`${stranger.name} is in an \`after\`, but is not among the dependents.`);
  const placed: Dependent<Owner>[] = [];
  while (placed.length < dependents.length) {
    const next = dependents.find(
      (each) => !placed.includes(each) && each.after.every((earlier) => placed.includes(earlier)),
    );
    if (!next) throw invalid(`The \`after\`s of ${names.join(', ')} form a circle.`);
    placed.push(next);
  }
  return placed;
}

function invalid(message: string): IncumbentError {
  return new IncumbentError('DEPENDENTS_INVALID', message);
}
