import type { FaultKind } from './fault.js';
import type { Scenario } from './scenario.js';

/** What is simulated: an election, or a work group. The runners know nothing else of it. */
export interface Subject {
  /** What is promised, by its short name. */
  readonly properties: Readonly<Record<string, string>>;
  /** Ways to break it, one at a time. The simulation must notice each. */
  readonly mutations: readonly { readonly name: string }[];
  /** Which faults its histories have. */
  readonly faults: readonly FaultKind[];
  scenarioOf(this: void, seed: number): Scenario;
  run(this: void, scenario: Scenario, options?: RunOptions): Promise<Outcome>;
}

export interface RunOptions {
  /** Index of a mutation. @defaultValue everything is left intact */
  readonly mutation?: number | undefined;
  /** Is told, line by line, what happens. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** What came of one history. */
export interface Outcome {
  readonly violations: readonly { readonly property: string; readonly what: string }[];
  /** What happened how often, in words. */
  readonly counts: Readonly<Record<string, number>>;
  readonly events: number;
  readonly virtualTime: number;
  /** How often each fault struck. */
  readonly faults: ReadonlyMap<FaultKind, number>;
}
