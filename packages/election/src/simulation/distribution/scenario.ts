import { seededRandom } from '@incumbent/core/testing';
import type { FaultKind } from '../fault.js';
import { type Scenario, scenarioOf } from '../scenario.js';

export interface ItemPlan {
  readonly name: string;
  /** When it is created, in true milliseconds. */
  readonly at: number;
  readonly steps: number;
}

/** All that a history of a work group is made from. */
export interface WorkScenario extends Scenario {
  readonly items: readonly ItemPlan[];
  /** Of each replica. */
  readonly capacities: readonly number[];
}

/** Those of elections, without what has no meaning here, or changes a member's Lease so that overlap is excused. */
const LEFT_OUT: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'restore',
  'spec edit',
  'blanking',
  'step down',
  'hand over',
  'slow following',
]);

export function hasFault(kind: FaultKind): boolean {
  return !LEFT_OUT.has(kind);
}

export function workScenarioOf(seed: number): WorkScenario {
  const scenario = scenarioOf(seed);
  const random = seededRandom(seed ^ 0x2545f491);
  const many = 15 + Math.floor(random.next() * 45);
  return {
    ...scenario,
    faults: scenario.faults.filter(({ kind }) => hasFault(kind)),
    capacities: scenario.machines.map(() => 1 + Math.floor(random.next() * 4)),
    // Some lie there from the start, the others come until shortly before the faults end.
    items: Array.from({ length: many }, (_, index) => ({
      name: `item-${index}`,
      at: Math.max(random.next() * 1.3 - 0.3, 0) * scenario.calm,
      steps: 1 + Math.floor(random.next() ** 2 * 40),
    })),
  };
}
