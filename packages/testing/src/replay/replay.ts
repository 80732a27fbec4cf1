/**
 * Replays: an operator runs a scenario again and again, and each time something goes wrong at another of its writes. However it goes
 * wrong, it must end where it ends when nothing does.
 *
 * Everything is in one process, on a virtual clock: a run takes some ten milliseconds.
 */
import { IncumbentError, type ReconcilerClass } from '@incumbent/core';
import { type Fault, faultsAt, FAULTS } from './fault.js';
import { differences } from './final-state.js';
import { type Outcome, Run } from './run.js';
import type { Scenario } from './scenario.js';

export interface ReplayReport {
  /** Writes of the run without a fault. */
  readonly writes: number;
  /** Reconciles of the run without a fault, and the most that a run with one took. */
  readonly reconciles: number;
  readonly mostReconciles: number;
  /** Runs with a fault. */
  readonly runs: number;
}

/**
 * A reconciler that does not stand what goes wrong. Codes: `REPLAY_DIVERGED` (it ends elsewhere), `REPLAY_UNSETTLED` (it does not end),
 * `REPLAY_RECONCILES` (it takes too many reconciles), `REPLAY_RESTLESS` (restarted, it writes although nothing is to be done).
 * The message tells the fault, what differs, and the story of the run.
 */
export class ReplayError extends IncumbentError {
  /** `undefined`: nothing went wrong, and yet. */
  readonly fault: Fault | undefined;

  constructor(
    code: string,
    { fault, what, story }: { fault: Fault | undefined; what: string; story: string },
  ) {
    super(code, `${describe(fault)}\n${what}\n\nWhat happened:\n${story}`);
    this.fault = fault;
  }
}

/** @throws {@link ReplayError} at the first fault that the controllers do not stand */
export async function replay(
  controllers: ReconcilerClass | readonly ReconcilerClass[],
  scenario: Scenario,
): Promise<ReplayReport> {
  const classes: readonly ReconcilerClass[] = typeof controllers === 'function' ? [controllers] : controllers;
  const model = await new Run(classes, scenario).toTheEnd();
  judge(model, model, scenario, undefined);
  const faults = faultsAt(model.writes);
  let mostReconciles = model.reconciles;
  for (const fault of faults) {
    const outcome = await new Run(classes, scenario, fault).toTheEnd();
    judge(outcome, model, scenario, fault);
    mostReconciles = Math.max(mostReconciles, outcome.reconciles);
  }
  const { writes, reconciles } = model;
  return { writes, reconciles, mostReconciles, runs: faults.length };
}

function judge(
  outcome: Outcome,
  model: Outcome,
  { extraReconciles = 5 }: Scenario,
  fault: Fault | undefined,
): void {
  const story = outcome.story.text();
  const fail = (code: string, what: string) => new ReplayError(code, { fault, what, story });
  if (outcome.failure) throw fail('REPLAY_UNSETTLED', outcome.failure);
  const different = differences(model.state, outcome.state);
  if (different.length > 0)
    throw fail(
      'REPLAY_DIVERGED',
      `It ended elsewhere (without the fault → with it):\n  ${different.join('\n  ')}`,
    );
  const most = model.reconciles + extraReconciles;
  if (outcome.reconciles > most)
    throw fail(
      'REPLAY_RECONCILES',
      `It took ${outcome.reconciles} reconciles: ${model.reconciles} without the fault, and at most ${extraReconciles} more were allowed.`,
    );
  if (outcome.afterRestart > 0)
    throw fail(
      'REPLAY_RESTLESS',
      `Restarted after it had settled, it wrote ${outcome.afterRestart} times although nothing was to be done.`,
    );
}

function describe(fault: Fault | undefined): string {
  return fault
    ? `The operator does not stand this: at its write ${fault.write}, ${FAULTS[fault.kind]}.`
    : 'The operator fails although nothing goes wrong.';
}
