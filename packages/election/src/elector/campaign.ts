import {
  type Instant,
  type Lease,
  instant,
  isAlreadyExists,
  isConflict,
  isNotFound,
} from '@incumbent/core/client';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import type { AttemptOptions } from '../lease/lease-port.js';
import { type Decision, type Observation, decide } from './decide.js';
import type { ElectorParts } from './elector-parts.js';
import { explain, retryAfter } from './explain.js';
import { Patience } from './patience.js';
import { created, takenOver } from './spec.js';

/** A Lease that was just acquired. */
export interface Win {
  readonly lease: Lease;
  /** When the acquiring write was sent. */
  readonly acquiredAt: Instant;
}

/** Waits for the Lease to become free and tries to be the first who takes it. */
export class Campaign {
  readonly #parts: ElectorParts;
  readonly #patience: Patience;
  #notBefore = Number.NEGATIVE_INFINITY;
  #lastProblem = '';

  constructor(parts: ElectorParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.timings, parts.clock);
  }

  /** No attempt for so many milliseconds: others go first. */
  pause(ms: number): void {
    this.#notBefore = this.#parts.clock.monotonic() + ms;
  }

  /** Resolves when the Lease is ours, or to undefined when `signal` aborts. Needs a wake-up when it does; a write under way is awaited. */
  async run(signal: AbortSignal): Promise<Win | undefined> {
    while (!signal.aborted) {
      const { decision, win } = await this.step();
      if (win) return win;
      if (decision.kind === 'wait') await this.#parts.wakeup.wait(decision.until);
    }
    return undefined;
  }

  /** Decides once by what was seen, and acts on it: at most one attempt to take the Lease. */
  async step(): Promise<{ readonly decision: Decision; readonly win: Win | undefined }> {
    const { clock, observer, tenure } = this.#parts;
    tenure.look(observer.current, false);
    const decision = decide(observer.current, this.#self(), clock.monotonic());
    return { decision, win: await this.#follow(decision) };
  }

  #self() {
    const { own, timings, identity } = this.#parts;
    return {
      role: 'follower',
      wrote: (fingerprint: string) => own.has(fingerprint),
      leaseDuration: timings.leaseDuration,
      retryPeriod: timings.retryPeriod,
      notBefore: this.#notBefore,
      identity,
      earlierRun: this.#parts.earlierRun,
    } as const;
  }

  async #follow(decision: Decision): Promise<Win | undefined> {
    if (decision.kind !== 'create' && decision.kind !== 'takeOver') return undefined;
    const { clock, key, identity, timings, lockDelay, observer } = this.#parts;
    lockDelay.takingOver(observer.current);
    const claim = { identity, leaseDuration: timings.leaseDuration, now: clock.wall() };
    if (decision.kind === 'takeOver') {
      const next = takenOver(decision.lease, claim);
      return this.#attempt('update', next, (options) => this.#parts.lease.update(next, options));
    }
    const draft = created(key, decision.transitions, claim);
    return this.#attempt('create', draft, (options) => this.#parts.lease.create(draft, options));
  }

  async #attempt(
    verb: 'create' | 'update',
    record: Pick<Lease, 'spec'>,
    write: (options: AttemptOptions) => Promise<Lease>,
  ): Promise<Win | undefined> {
    const { clock, own, observer } = this.#parts;
    const startedAt = instant(clock);
    // Also where the answer gets lost: what we sent is ours, and is retaken without waiting.
    const acquiredAt = own.add(fingerprintOf(record), startedAt);
    try {
      const lease = await this.#patience.attempt((timeout) => write({ timeout }));
      own.add(fingerprintOf(lease), acquiredAt);
      observer.note(lease, { reopen: true });
      return { lease, acquiredAt };
    } catch (error) {
      await this.#failed(error, verb, startedAt);
      return undefined;
    }
  }

  async #failed(error: unknown, verb: string, startedAt: Instant): Promise<void> {
    const { clock, timings, random, observer } = this.#parts;
    const lostRace = isConflict(error) || isAlreadyExists(error) || (verb === 'update' && isNotFound(error));
    if (!lostRace) this.#report(explain(error, verb, this.#parts.key));
    // A server may ask for more patience than there is: no longer than an outage that nobody asked for would last.
    const patience = Math.min(retryAfter(error), timings.leaseDuration);
    const rest = lostRace ? timings.retryPeriod * random.next() : Math.max(timings.retryPeriod, patience);
    const next = lostRace ? clock.monotonic() + rest : startedAt.monotonic + rest;
    // Until the Lease was read again, what is known of it led us astray once.
    const seen = await observer.refresh();
    // Who lost to a holder waits for that holder, like all others: to hold back besides would favour whoever just won.
    if (lostRace && seen && isHeld(observer.current)) return;
    this.#notBefore = Math.max(next, seen ? 0 : startedAt.monotonic + timings.retryPeriod);
  }

  /** The same problem is told once, not at each attempt. */
  #report(problem: string): void {
    const { log } = this.#parts;
    log[problem === this.#lastProblem ? 'debug' : 'warn']({}, problem);
    this.#lastProblem = problem;
  }
}

function isHeld(observation: Observation): boolean {
  return observation.kind === 'present' && recordOf(observation.lease).holder !== '';
}
