import { type KubernetesObject, RequestError, type Random, type WatchEvent } from '@incumbent/core/client';
import { type ApiServer, apiError } from './api-server.js';
import type { FaultKind } from './fault.js';
import type { Endpoint } from './participant.js';
import { type Scenario, pick } from './scenario.js';
import type { Scheduler } from './scheduler.js';
import type { WatchStream } from './watch-stream.js';
import type { Weather } from './weather.js';

export type Answer<T> = { readonly value: T } | { readonly error: Error };

export interface Exchange<T> {
  readonly from: Endpoint;
  /** `lease`: conditional, so that it may take effect at any time. `work`: fenced, within the claimed transit. */
  readonly of: 'lease' | 'work' | 'watch';
  /** Milliseconds that the server gives itself. */
  readonly serverTimeout: number;
  /** What the server does. Throws what it answers instead. */
  readonly act: () => T;
  /** Called with each answer that gets through; on a duplicated request that may be two. */
  readonly answered: (answer: Answer<T>) => void;
}

/** A server as the network knows it. */
export interface Served {
  readonly downUntil: number;
  readonly boots: number;
  readonly streams: Iterable<Pick<WatchStream, 'owner' | 'takeHeld' | 'end' | 'halfOpen'>>;
}

export interface NetworkParts<Api extends Served> {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly scenario: Scenario;
  readonly api: Api;
}

/** Milliseconds one way, at most, on a good day. */
const NORMAL = 8;
const WATCH_HEAD_TIMEOUT = 5000;

/** The share of messages that take long without any fault. */
const STRAGGLERS = 0.02;

type Message = Pick<Exchange<unknown>, 'from' | 'of'>;

/** Carries requests, answers and watch events, and does to them what the weather says. */
export class Network<Api extends Served = ApiServer> {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #scenario: Scenario;
  readonly api: Api;

  constructor({ scheduler, random, weather, scenario, api }: NetworkParts<Api>) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#weather = weather;
    this.#scenario = scenario;
    this.api = api;
  }

  send<T>(exchange: Exchange<T>): void {
    const copies = exchange.of === 'lease' && this.#happens(exchange, 'duplication') ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#isLost(exchange)) this.#lose(exchange);
      else {
        const boots = this.api.boots;
        const onTheWay = this.#uplink(exchange);
        const serverTime = this.#serverTime(exchange);
        this.#scheduler.at(this.#calmed(onTheWay + serverTime), () =>
          this.#perform(exchange, serverTime, boots),
        );
      }
    }
  }

  /** An event of a watch: in order, and kept back rather than lost. */
  publish<T extends KubernetesObject>(stream: WatchStream<T>, event: WatchEvent<T>): void {
    const { replica } = stream.owner;
    const slow = this.#weather.degree(replica, 'slow watch') * this.#scenario.timings.leaseDuration;
    const at = this.#calmed(this.#random.next() * (NORMAL + slow));
    stream.lastArrival = Math.max(stream.lastArrival, at);
    this.#scheduler.at(stream.lastArrival, () => {
      if (stream.halfOpen) return;
      if (this.#weather.isDeaf(replica)) stream.heldBack.push(event);
      else this.#deliver(stream.owner, () => stream.push(event));
    });
  }

  /** After a silence: the watches of a replica go on with what was kept back, or are cut, or stay silent. */
  endSilence(replica: number): void {
    if (this.#weather.isDeaf(replica)) return;
    for (const stream of this.api.streams) {
      if (stream.owner.replica !== replica) continue;
      const fate = pick(this.#random, ['goes on', 'is cut', 'half-open'] as const);
      const arrivals = stream.takeHeld();
      if (fate === 'is cut') this.cutWatch(stream);
      else if (fate === 'half-open') stream.halfOpen = true;
      else for (const arrival of arrivals) this.#deliver(stream.owner, arrival);
    }
  }

  get hasHalfOpenWatch(): boolean {
    return Array.from(this.api.streams).some(({ halfOpen }) => halfOpen);
  }

  cutWatch(stream: Pick<WatchStream, 'owner' | 'end'>): void {
    const error = this.#random.next() < 0.5 ? cut() : undefined;
    this.#deliver(stream.owner, () => stream.end(error));
  }

  #deliver(to: Endpoint, task: () => void): void {
    to.machine.deliver('network', () => {
      if (to.alive) task();
    });
  }

  #perform<T>(exchange: Exchange<T>, serverTime: number, boots: number): void {
    const api = this.api;
    if (this.#scheduler.now < api.downUntil || boots !== api.boots)
      return this.#answer(exchange, { error: cut() });
    const refusal = this.#refusal(exchange);
    if (refusal) return this.#answer(exchange, { error: refusal });
    if (serverTime > exchange.serverTimeout)
      return this.#answer(exchange, { error: apiError(504, 'Timeout') });
    const answer = attempt(exchange.act);
    const late = this.#happens(exchange, 'error after effect');
    this.#answer(exchange, late ? { error: apiError(504, 'Timeout') } : answer);
  }

  #answer<T>(exchange: Exchange<T>, answer: Answer<T>): void {
    const { from } = exchange;
    if (this.#isLost(exchange) || this.#happens(exchange, 'lost answers')) return this.#lose(exchange);
    const at = this.#calmed(this.#latency(exchange, this.#scenario.timings.leaseDuration / 3));
    this.#scheduler.at(at, () => this.#deliver(from, () => exchange.answered(answer)));
  }

  /** A lost request is noticed by the timeout of who sent it; that for the head of a watch is here. */
  #lose<T>(exchange: Exchange<T>): void {
    if (exchange.of !== 'watch') return;
    const error = new RequestError('REQUEST_TIMEOUT', 'WATCH: no answer', true);
    this.#scheduler.at(this.#calmed(WATCH_HEAD_TIMEOUT), () =>
      this.#deliver(exchange.from, () => exchange.answered({ error })),
    );
  }

  #refusal(message: Message): Error | undefined {
    const happens = (kind: FaultKind): boolean => this.#happens(message, kind);
    if (happens('too many requests')) return apiError(429, 'TooManyRequests', this.#retryAfter());
    if (happens('forbidden')) return apiError(403, 'Forbidden');
    if (happens('server errors')) return apiError(this.#random.next() < 0.5 ? 500 : 503, 'InternalError');
    return message.of === 'lease' && happens('false conflict') ? apiError(409, 'Conflict') : undefined;
  }

  #retryAfter(): number {
    return Math.ceil(this.#random.next() ** 2 * 4 * (this.#scenario.timings.leaseDuration / 1000)) * 1000;
  }

  #degree({ from, of }: Message, kind: FaultKind): number {
    return this.#weather.degree(from.replica, kind, { work: of === 'work' });
  }

  #happens(message: Message, kind: FaultKind): boolean {
    const degree = this.#degree(message, kind);
    return degree > 0 && this.#random.next() < degree && this.#weather.strikes(kind);
  }

  #isLost(message: Message): boolean {
    return this.#degree(message, 'partition') > 0 || this.#happens(message, 'loss');
  }

  /** What is claimed for fenced writes is a longest transit; a lease request may take effect at any time. */
  #uplink(message: Message): number {
    const { transit, timings } = this.#scenario;
    if (message.of === 'work') return this.#latency(message, transit);
    const late = message.of === 'lease' && this.#happens(message, 'late request');
    const extra = late ? this.#random.next() * 2 * timings.leaseDuration : 0;
    return this.#latency(message, timings.leaseDuration / 4) + extra;
  }

  #serverTime(exchange: Message & { readonly serverTimeout: number }): number {
    const longest = Math.min(exchange.serverTimeout, 2 * this.#scenario.timings.leaseDuration) * 1.1;
    return this.#random.next() * (2 + this.#degree(exchange, 'slow server') * longest);
  }

  /** Most messages are quick on a good day. A few never are. */
  #latency(message: Message, longest: number): number {
    const slow = Math.max(this.#degree(message, 'slow'), this.#random.next() < STRAGGLERS ? 0.5 : 0);
    return this.#random.next() * Math.max(Math.min(NORMAL, longest), slow * longest);
  }

  /** When a delay is over: what is still on its way when all faults end is not kept for longer. */
  #calmed(delay: number): number {
    const { now } = this.#scheduler;
    return Math.min(now + delay, Math.max(this.#scenario.calm, now) + this.#random.next() * NORMAL);
  }
}

function attempt<T>(act: () => T): Answer<T> {
  try {
    return { value: act() };
  } catch (error) {
    return { error: error as Error };
  }
}

function cut(): RequestError {
  return new RequestError('REQUEST_FAILED', 'the connection was cut', true);
}
