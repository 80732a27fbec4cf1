/**
 * Simulation: an election of several replicas over hours of virtual time in milliseconds of real time, with everything
 * that can go wrong going wrong, and a referee that compares what happened with what is promised. A history follows from
 * its seed, to the last event.
 */
import { seededRandom } from '@incumbent/core/testing';
import { longestAttempt } from '../elector/patience.js';
import { ApiServer } from './api-server.js';
import { type FaultKind, seconds } from './fault.js';
import { FaultInjector } from './fault-injector.js';
import { LeaseTampering } from './tampering.js';
import { type MutationHooks, intact } from './mutation.js';
import { Network } from './network.js';
import type { Participant } from './participant.js';
import { Process } from './process.js';
import { Referee, type Violation } from './referee.js';
import { Replica } from './replica.js';
import type { Scenario } from './scenario.js';
import { Scheduler } from './scheduler.js';
import { Weather } from './weather.js';
import type { World } from './world.js';

export interface HistoryOptions {
  /** Breaks the electors. @defaultValue they are left intact */
  readonly mutate?: ((process: Participant) => MutationHooks) | undefined;
  /** Is told, line by line, what happens. */
  readonly trace?: ((line: string) => void) | undefined;
}

export interface HistoryResult {
  readonly violations: readonly Violation[];
  /** Changes of the leader, to another replica or to itself in a new term. */
  readonly handovers: number;
  /** Writes of work that were accepted. */
  readonly writes: number;
  readonly events: number;
  readonly virtualTime: number;
  /** How often each fault struck. */
  readonly faults: ReadonlyMap<FaultKind, number>;
}

/** Between two looks at who leads, in true milliseconds. */
const LOOK = 50;
const MS_FOR_LATENCY = 500;

export async function runHistory(
  scenario: Scenario,
  { mutate = intact, trace }: HistoryOptions = {},
): Promise<HistoryResult> {
  const history = new History(scenario, mutate, trace);
  await history.run();
  return history.result();
}

class History {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #replicas: readonly Replica<Process>[];
  readonly #faults: FaultInjector;

  constructor(
    scenario: Scenario,
    mutate: (process: Participant) => MutationHooks,
    trace: HistoryOptions['trace'],
  ) {
    const scheduler = new Scheduler();
    const random = seededRandom(scenario.seed ^ 0x5bd1e995);
    const weather = new Weather();
    const api: ApiServer = new ApiServer((stream, event) => network.publish(stream, event));
    const network = new Network({ scheduler, random, weather, scenario, api });
    const referee = new Referee(scheduler, scenario.timings.renewDeadline, trace);
    this.#scenario = scenario;
    this.#world = { scenario, scheduler, network, weather, referee, random, mutate };
    this.#replicas = scenario.machines.map(
      (clocks, index) =>
        new Replica<Process>(this.#world, {
          index,
          clocks,
          start: (options) => new Process(this.#world, options),
          onThaw: (process) => referee.leads(process),
        }),
    );
    this.#faults = new FaultInjector(this.#world, this.#replicas, new LeaseTampering(this.#world));
  }

  async run(): Promise<void> {
    const { scheduler, network } = this.#world;
    const { calm, end } = this.#scenario;
    for (const replica of this.#replicas) replica.start();
    this.#faults.schedule();
    await scheduler.run(calm);
    // Whoever follows a half-open watch counts from an older renewal, finds that out by its attempt, and counts once more.
    const stale = network.hasHalfOpenWatch ? this.#scenario.timings.leaseDuration : 0;
    await this.#expectLeader('the last fault', stale);
    await this.#expectCalm(end);
    this.#leader?.die();
    await this.#expectLeader('a crash in calm weather');
    for (const replica of this.#replicas) replica.stop();
    await scheduler.run(scheduler.now + this.#longestStop());
    for (const replica of this.#replicas) replica.expectGone();
  }

  result(): HistoryResult {
    const { referee, scheduler, weather } = this.#world;
    return {
      violations: referee.violations,
      handovers: Math.max(referee.led - 1, 0),
      writes: referee.accepted,
      events: scheduler.ran,
      virtualTime: scheduler.now,
      faults: weather.struck,
    };
  }

  /** Liveness: nothing goes wrong from now on. */
  async #expectLeader(after: string, stale = 0): Promise<void> {
    const { scheduler, referee } = this.#world;
    const { timings } = this.#scenario;
    const from = scheduler.now;
    const slowest = Math.min(1, ...this.#scenario.machines.map(({ rate }) => rate));
    const bound =
      (stale + timings.leaseDuration + longestAttempt(timings) + timings.retryPeriod + timings.lockDelay) /
        slowest +
      MS_FOR_LATENCY;
    const latest = from + bound;
    while (!this.#leader) {
      if (scheduler.now >= latest) return referee.breach('nobody leads', `${seconds(bound)} after ${after}`);
      await scheduler.run(scheduler.now + LOOK);
    }
    referee.trace(() => `somebody leads, ${seconds(scheduler.now - from)} after ${after}`);
  }

  get #leader(): Replica | undefined {
    return this.#replicas.find(({ process }) => process && this.#world.referee.leads(process));
  }

  /** Work that is still ending may cost one more term; after that, nothing happens any more. */
  async #expectCalm(end: number): Promise<void> {
    const { scheduler, referee } = this.#world;
    await scheduler.run(end - 1.2 * this.#scenario.timings.leaseDuration);
    const { led } = referee;
    await scheduler.run(end);
    if (referee.led > led && referee.violations.length === 0)
      referee.breach('not calm', `${referee.led - led} new terms without any fault`);
  }

  #longestStop(): number {
    const { leaseDuration, drainGrace, lockDelay } = this.#scenario.timings;
    return 4 * leaseDuration + drainGrace + lockDelay;
  }
}
