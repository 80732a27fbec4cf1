/** The election as the worker thread runs it: a whole elector, whose work is the other thread's. */
import { type Clock, type Random, type Term } from '@incumbent/core/client';
import { LeaderElector } from '../elector/leader-elector.js';
import { resolveTimings } from '../elector/options.js';
import type { LeasePort } from '../lease/lease-port.js';
import { LeaseTerm } from '../term/lease-term.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';
import { Pulse } from './pulse.js';
import { reportingEvents, reportingLogger, reportingMetrics } from './reports.js';
import { SharedTerm } from './shared-term.js';
import { WatchedLease } from './watched-lease.js';

export interface ElectionThreadParts {
  readonly data: ThreadData;
  readonly lease: LeasePort;
  /** Counts the same in both threads. */
  readonly clock: Clock;
  readonly random: Random;
  readonly send: (message: FromThread) => void;
}

export class ElectionThread {
  readonly #parts: ElectionThreadParts;
  readonly #elector: LeaderElector;
  readonly #pulse: Pulse;
  readonly #stop = new AbortController();
  readonly #renewDeadline: number;
  #term: LeaseTerm | undefined;
  #settle: (() => void) | undefined;
  #workEnded: () => void = () => {};
  #notReady: string | undefined;

  constructor(parts: ElectionThreadParts) {
    const { data, lease, clock, random, send } = parts;
    this.#parts = parts;
    this.#pulse = new Pulse(data.pulse, clock);
    this.#renewDeadline = resolveTimings(data.election).renewDeadline;
    this.#elector = new LeaderElector({
      ...data.election,
      lease: new WatchedLease(lease, () => this.#pulse.silenceOf('main'), data.mainThreadLimit),
      clock,
      random,
      log: reportingLogger(send),
      metrics: reportingMetrics(send),
      events: reportingEvents(send),
    });
  }

  /** Resolves when the candidacy has ended: the other thread has asked for it, and its work is over. */
  async run(): Promise<void> {
    const { send } = this.#parts;
    const states = this.#elector.state$.subscribe(({ phase, leader, term }) => {
      send({ kind: 'observed', state: { phase, leader, term } });
      this.#tellHealth();
    });
    const stopBeating = this.#pulse.keepBeating('thread', () => this.#tellHealth());
    try {
      await this.#elector.run({ leading: (term) => this.#lead(term), signal: this.#stop.signal });
    } finally {
      stopBeating();
      states.unsubscribe();
    }
  }

  receive(message: ToThread): void {
    switch (message.kind) {
      case 'stop':
        return this.#stop.abort();
      case 'stepDown':
        return message.heir === undefined ? this.#elector.stepDown() : this.#elector.handOver(message.heir);
      case 'unsettled':
        this.#settle = this.#term?.mayStillCommit(message.until - this.#parts.clock.monotonic());
        return;
      case 'settled':
        return this.#settle?.();
      case 'ended':
        return this.#workEnded();
    }
  }

  /** Shows the term to the other thread, and waits until its work has ended. */
  async #lead(term: Term): Promise<void> {
    if (!(term instanceof LeaseTerm)) throw new TypeError('An elector leads under LeaseTerms.');
    const shared = SharedTerm.allocate();
    const show = (): void => {
      shared.extend(term.renewedAt, this.#renewDeadline);
      if (term.end) shared.finish(term.end);
    };
    term.onChange = show;
    show();
    this.#term = term;
    const { send } = this.#parts;
    term.signal.addEventListener('abort', () => send({ kind: 'ending' }), { once: true });
    const ended = new Promise<void>((resolve) => (this.#workEnded = resolve));
    send({ kind: 'won', number: term.number, token: term.token, memory: shared.memory });
    await ended;
  }

  #tellHealth(): void {
    const notReady = this.#elector.notReady();
    if (notReady === this.#notReady) return;
    this.#notReady = notReady;
    this.#parts.send({ kind: 'health', notReady });
  }
}
