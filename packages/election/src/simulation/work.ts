import { AuthorityLostError, type Term, sleep } from '@incumbent/core/client';
import type { MutationHooks } from './mutation.js';
import { FencedWriter, type WorkOrders } from './fenced-writer.js';
import type { Participant, ReignRecord } from './participant.js';
import type { World } from './world.js';

/** What work throws when it is told to fail. */
export class WorkFailed extends Error {}

export interface WorkOptions {
  readonly process: Participant;
  readonly world: World;
  readonly hooks: MutationHooks;
  readonly orders: WorkOrders;
  readonly term: Term;
  readonly record: ReignRecord;
}

/** What a leader does: writes to one object, again and again, through a fence like that of core's client. */
export class Work {
  readonly #process: Participant;
  readonly #world: World;
  readonly #orders: WorkOrders;
  readonly #term: Term;
  readonly #writer: FencedWriter;

  constructor({ process, world, hooks, orders, term, record }: WorkOptions) {
    this.#process = process;
    this.#world = world;
    this.#orders = orders;
    this.#term = term;
    this.#writer = new FencedWriter({
      process,
      world,
      hooks,
      orders,
      term,
      sends: () => world.referee.sends(record),
      stored: () => world.referee.workStored(record),
    });
  }

  async run(): Promise<void> {
    const { clock } = this.#process;
    const { random, scenario, scheduler, weather } = this.#world;
    const { signal } = this.#term;
    const { leaseDuration } = scenario.timings;
    while (!signal.aborted) {
      // Some work starts a write and does not await it.
      if (random.next() < 0.2) this.#writeUnawaited();
      else await this.#step();
      await sleep(clock, random.next() * (leaseDuration / 5), signal);
    }
    const stubborn = weather.degree(this.#process.replica, 'stubborn work');
    if (stubborn === 0) return;
    const calm = Math.max(scenario.calm - scheduler.now, 0) * this.#process.machine.rate;
    const end = clock.monotonic() + Math.min(stubborn * 2 * leaseDuration, calm);
    while (clock.monotonic() < end) {
      await this.#step();
      await sleep(clock, random.next() * (leaseDuration / 5));
    }
  }

  async #step(): Promise<void> {
    if (this.#orders.fail) {
      this.#orders.fail = false;
      throw new WorkFailed('told to fail');
    }
    try {
      await this.#writer.write();
    } catch (error) {
      if (error instanceof AuthorityLostError) return;
      // The server's errors and timeouts: work is level-triggered and tries again.
    }
  }

  #writeUnawaited(): void {
    const orders = this.#orders;
    orders.unawaited++;
    const over = (): void => void orders.unawaited--;
    this.#writer.write().then(over, over);
  }
}
