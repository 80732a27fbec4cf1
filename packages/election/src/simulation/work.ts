import { AuthorityLostError, type Term, isApiError, sleep } from '@incumbent/core/client';
import type { MutationHooks } from './mutation.js';
import type { Answer } from './network.js';
import type { Participant, ReignRecord } from './participant.js';
import type { World } from './world.js';

/** A share of what remains of a right that is kept for waiting for a socket, as core's client keeps it. */
const keepBack = (remaining: number): number => Math.min(remaining / 10, 500);

/** What faults ask of the work of a process. */
export interface WorkOrders {
  /** It throws at its next step. */
  fail: boolean;
  /** Milliseconds for which the event loop blocks after the next write was called. */
  stall: number;
  /** Writes under way that nobody awaits, each of which has a timer. */
  unawaited: number;
}

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
  readonly #hooks: MutationHooks;
  readonly #orders: WorkOrders;
  readonly #term: Term;
  readonly #record: ReignRecord;

  constructor({ process, world, hooks, orders, term, record }: WorkOptions) {
    this.#process = process;
    this.#world = world;
    this.#hooks = hooks;
    this.#orders = orders;
    this.#term = term;
    this.#record = record;
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
      await this.#write();
    } catch (error) {
      if (error instanceof AuthorityLostError) return;
      // The server's errors and timeouts: work is level-triggered and tries again.
    }
  }

  #writeUnawaited(): void {
    const orders = this.#orders;
    orders.unawaited++;
    const over = (): void => void orders.unawaited--;
    this.#write().then(over, over);
  }

  async #write(): Promise<void> {
    const { random, scenario } = this.#world;
    const limit = random.next() ** 2 * scenario.timings.leaseDuration;
    for (;;) {
      this.#term.assertHeld();
      const remaining = this.#term.remaining();
      const timeout = Math.min(limit, remaining - keepBack(remaining));
      await this.#awaitSocket();
      if (!this.#hooks.skipsSocketCheck) this.#term.assertHeld();
      if (this.#hooks.skipsSocketCheck || this.#term.remaining() >= timeout) return this.#send(timeout);
    }
  }

  /** A pool may be busy, and the event loop may be blocked between the call and the write to the socket. */
  async #awaitSocket(): Promise<void> {
    const { clock, machine } = this.#process;
    const { random, referee, scenario, scheduler, weather } = this.#world;
    const { stall } = this.#orders;
    this.#orders.stall = 0;
    if (stall > 0) {
      weather.strikes('stall');
      referee.trace(() => `${this.#process.name} blocks its event loop for ${stall} ms`);
      machine.freeze(Math.min(scheduler.now + stall, Math.max(scenario.calm, scheduler.now)));
    }
    const busy = random.next();
    if (stall > 0 || busy < 0.2) await sleep(clock, busy ** 4 * 2000);
  }

  #send(timeout: number): Promise<void> {
    const { clock } = this.#process;
    const { network, random, referee } = this.#world;
    const { signal } = this.#term;
    const settle = this.#term.mayStillCommit(timeout);
    referee.sends(this.#record);
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        cancel();
        signal.removeEventListener('abort', giveUp);
        if (!error || (isApiError(error) && error.statusCode !== 504)) settle();
        if (error) reject(error);
        else resolve();
      };
      const giveUp = (): void => finish(new Error('aborted'));
      const cancel = clock.schedule(timeout, () => finish(new Error('timed out')));
      // Some pass their signal on to the request, some don't.
      if (random.next() < 0.5 && !signal.aborted) signal.addEventListener('abort', giveUp, { once: true });
      network.send({
        from: this.#process,
        of: 'work',
        serverTimeout: this.#hooks.unlimitedServerTime ? Number.POSITIVE_INFINITY : timeout,
        act: () => referee.workStored(this.#record),
        answered: (answer: Answer<void>) => finish('error' in answer ? answer.error : undefined),
      });
    });
  }
}
