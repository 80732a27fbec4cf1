/** Simulation of a work group: members that come, work, are disturbed and go, and every item done once in the end. */
import { seededRandom } from '@incumbent/core/testing';
import { seconds } from '../fault.js';
import { FaultInjector } from '../fault-injector.js';
import { Network } from '../network.js';
import { Replica } from '../replica.js';
import { Scheduler } from '../scheduler.js';
import type { Outcome } from '../subject.js';
import { Weather } from '../weather.js';
import { ObjectServer } from './object-server.js';
import { MemberProcess } from './process.js';
import { WorkReferee, type WorkViolation } from './referee.js';
import type { WorkScenario } from './scenario.js';
import { ObjectTampering } from './tampering.js';
import type { WorkParticipant } from './participant.js';
import type { WorkHooks, WorkWorld } from './world.js';

export interface WorkHistoryOptions {
  readonly mutate?: ((process: WorkParticipant) => WorkHooks) | undefined;
  readonly trace?: ((line: string) => void) | undefined;
}

export interface WorkHistoryResult extends Outcome {
  readonly violations: readonly WorkViolation[];
}

/** After the last fault: a reflector may take so long to find a dead watch and to try again, and does so for Leases and items. */
const REFLECTOR_PATIENCE = 4 * 60_000;
const LEASE_DURATIONS_TO_END = 40;
/** Between two looks whether all is done. */
const LOOK = 1000;

export async function runWorkHistory(
  scenario: WorkScenario,
  { mutate = () => ({}), trace }: WorkHistoryOptions = {},
): Promise<WorkHistoryResult> {
  const history = new WorkHistory(scenario, mutate, trace);
  await history.run();
  return history.result();
}

class WorkHistory {
  readonly #scenario: WorkScenario;
  readonly #world: WorkWorld;
  readonly #replicas: readonly Replica<MemberProcess>[];
  readonly #faults: FaultInjector;

  constructor(
    scenario: WorkScenario,
    mutate: (process: WorkParticipant) => WorkHooks,
    trace: WorkHistoryOptions['trace'],
  ) {
    const scheduler = new Scheduler();
    const random = seededRandom(scenario.seed ^ 0x5bd1e995);
    const weather = new Weather();
    const referee = new WorkReferee(scheduler, trace);
    const api: ObjectServer = new ObjectServer(
      (stream, event) => network.publish(stream, event),
      (before, after) => referee.stored(before, after),
    );
    const network = new Network({ scheduler, random, weather, scenario, api });
    this.#scenario = scenario;
    const world: WorkWorld = { scenario, scheduler, network, weather, referee, random, mutate };
    this.#world = world;
    this.#replicas = scenario.machines.map(
      (clocks, index) =>
        new Replica(world, { index, clocks, start: (options) => new MemberProcess(world, options) }),
    );
    this.#faults = new FaultInjector(world, this.#replicas, new ObjectTampering(world));
  }

  async run(): Promise<void> {
    const { scheduler, referee } = this.#world;
    const { calm, timings } = this.#scenario;
    this.#createItems();
    for (const replica of this.#replicas) replica.start();
    this.#faults.schedule();
    await scheduler.run(calm);
    await this.#expectDone();
    for (const replica of this.#replicas) replica.stop();
    await scheduler.run(scheduler.now + 4 * timings.leaseDuration + timings.drainGrace);
    for (const replica of this.#replicas) replica.expectGone();
    referee.trace(() => 'the end');
  }

  result(): WorkHistoryResult {
    const { referee, scheduler, weather } = this.#world;
    const { violations, assignments, revocations, begun, accepted } = referee;
    const { ran: events, now: virtualTime } = scheduler;
    const items = this.#scenario.items.length;
    const counts = {
      items,
      assignments,
      revocations,
      'times work was begun': begun,
      'writes accepted': accepted,
    };
    return { violations, counts, events, virtualTime, faults: weather.struck };
  }

  #createItems(): void {
    const { scheduler, network } = this.#world;
    for (const { name, at, steps } of this.#scenario.items)
      scheduler.at(at, () => {
        network.api.create('Item', { metadata: { name, namespace: 'default' }, spec: { steps } });
      });
  }

  async #expectDone(): Promise<void> {
    const { scheduler, referee } = this.#world;
    const { items, timings, calm } = this.#scenario;
    const latest = calm + REFLECTOR_PATIENCE + LEASE_DURATIONS_TO_END * timings.leaseDuration;
    while (referee.done < items.length) {
      if (scheduler.now >= latest)
        return referee.breach(
          'not done',
          `${items.length - referee.done} of ${items.length} items, ${seconds(latest - calm)} after the last fault`,
        );
      await scheduler.run(scheduler.now + LOOK);
    }
    referee.trace(() => `all is done, ${seconds(scheduler.now - calm)} after the last fault`);
  }
}
