import { type Clock, type Term, isApiError, sleep } from '@incumbent/core/client';
import type { MutationHooks } from './mutation.js';
import type { Answer, Network, Served } from './network.js';
import type { Endpoint } from './participant.js';
import type { Surroundings } from './world.js';

/** A share of what remains of a right that is kept for waiting for a socket, as core's client keeps it. */
export const keepBack = (remaining: number): number => Math.min(remaining / 10, 500);

/** What faults ask of the work of a process. */
export interface WorkOrders {
  /** It throws at its next step. */
  fail: boolean;
  /** Milliseconds for which the event loop blocks after the next write was called. */
  stall: number;
  /** Writes under way that nobody awaits, each of which has a timer. */
  unawaited: number;
}

export interface FencedWriterOptions {
  readonly process: Endpoint & { readonly name: string; readonly clock: Clock };
  readonly world: Surroundings & { readonly network: Network<Served> };
  readonly hooks: Pick<MutationHooks, 'skipsSocketCheck' | 'unlimitedServerTime'>;
  readonly orders: WorkOrders;
  readonly term: Term;
  /** Called in the moment in which a write is written to its socket. */
  readonly sends: () => void;
  /** Called when the server has accepted it. */
  readonly stored: () => void;
}

/** Sends unconditional writes through a fence like that of core's client. */
export class FencedWriter {
  readonly #options: FencedWriterOptions;

  constructor(options: FencedWriterOptions) {
    this.#options = options;
  }

  async write(): Promise<void> {
    const { random, scenario } = this.#options.world;
    const limit = random.next() ** 2 * scenario.timings.leaseDuration;
    for (;;) {
      this.#options.term.assertHeld();
      const remaining = this.#options.term.remaining();
      const timeout = Math.min(limit, remaining - keepBack(remaining));
      await this.#awaitSocket();
      if (!this.#options.hooks.skipsSocketCheck) this.#options.term.assertHeld();
      if (this.#options.hooks.skipsSocketCheck || this.#options.term.remaining() >= timeout)
        return this.#send(timeout);
    }
  }

  /** A pool may be busy, and the event loop may be blocked between the call and the write to the socket. */
  async #awaitSocket(): Promise<void> {
    const { clock, machine } = this.#options.process;
    const { random, referee, scenario, scheduler, weather } = this.#options.world;
    const { stall } = this.#options.orders;
    this.#options.orders.stall = 0;
    if (stall > 0) {
      weather.strikes('stall');
      referee.trace(() => `${this.#options.process.name} blocks its event loop for ${stall} ms`);
      machine.freeze(Math.min(scheduler.now + stall, Math.max(scenario.calm, scheduler.now)));
    }
    const busy = random.next();
    if (stall > 0 || busy < 0.2) await sleep(clock, busy ** 4 * 2000);
  }

  #send(timeout: number): Promise<void> {
    const { clock } = this.#options.process;
    const { network, random } = this.#options.world;
    const { signal } = this.#options.term;
    const settle = this.#options.term.mayStillCommit(timeout);
    this.#options.sends();
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
        from: this.#options.process,
        of: 'work',
        serverTimeout: this.#options.hooks.unlimitedServerTime ? Number.POSITIVE_INFINITY : timeout,
        act: () => this.#options.stored(),
        answered: (answer: Answer<void>) => finish('error' in answer ? answer.error : undefined),
      });
    });
  }
}
