import {
  type Instant,
  type Lease,
  LinkedAbort,
  IncumbentError,
  instant,
  isConflict,
  isNotFound,
  sleep,
} from '@incumbent/core/client';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import { LeaseTerm, type TermEnd } from '../term/lease-term.js';
import { retryIn, timeoutWithin } from './attempts.js';
import type { Win } from './campaign.js';
import { decide } from './decide.js';
import type { ElectorParts } from './elector-parts.js';
import { explain, retryAfter } from './explain.js';
import { handoverRequestOf } from './handover-request.js';
import { released, renewed } from './spec.js';

/** What a reign ended with. */
export interface ReignEnd {
  readonly end: TermEnd;
  readonly released: boolean;
  /** What the work threw while nothing had asked it to end. */
  readonly failure: { readonly error: unknown } | undefined;
}

export interface ReignOptions {
  /** @defaultValue `'by itself'` */
  readonly renews?: 'by itself' | 'when asked';
}

/** One term from its acquisition to the end of its work: renews, notices the loss, awaits the work, and then releases. */
export class Reign {
  readonly term: LeaseTerm;
  readonly #parts: ElectorParts;
  readonly #acquiredAt: Instant;
  readonly #abort = new LinkedAbort();
  #renewAt: number;
  #renewing = false;
  readonly #renewsWhenAsked: boolean;
  /** Somebody asked for a renewal, which has not been started yet. */
  #wanted = false;
  /** Those who asked, to be told when the attempt has ended. */
  #asked: (() => void)[] = [];
  #drainingSince: number | undefined;
  #heir: string | undefined;
  #work: 'running' | 'ended' = 'running';
  #failure: ReignEnd['failure'];
  #lost: Exclude<TermEnd, 'ended'> | undefined;

  constructor({ lease, acquiredAt }: Win, parts: ElectorParts, { renews }: ReignOptions = {}) {
    this.#parts = parts;
    this.#renewsWhenAsked = renews === 'when asked';
    this.term = new LeaseTerm(lease, acquiredAt, parts.timings, parts.clock);
    this.term.onAnswer = () => parts.wakeup.notify();
    this.#acquiredAt = acquiredAt;
    this.#renewAt = acquiredAt.monotonic + parts.timings.renewInterval;
  }

  get draining(): boolean {
    return this.#drainingSince !== undefined;
  }

  /** Asks the work to end; the lease is renewed for it until it has, or its grace is over. */
  drain(heir?: string): void {
    this.#heir ??= heir;
    if (this.draining) return;
    this.#drainingSince = this.#parts.clock.monotonic();
    this.term.drain();
    this.#parts.wakeup.notify();
  }

  /** One attempt at renewing, at once. Resolves when it has ended, or none is made any more. */
  renewNow(): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#wanted = true;
      this.#renewAt = this.#parts.clock.monotonic();
      this.#parts.wakeup.notify();
    });
  }

  /** Resolves when the term is over and its work has ended. */
  async run(work: (term: LeaseTerm) => Promise<void>): Promise<ReignEnd> {
    const working = this.#run(work);
    await this.#hold();
    this.#abort.abort();
    this.#answer();
    await working;
    const released = !this.#lost && (await this.#release());
    return { end: this.#lost ?? 'ended', released, failure: this.#failure };
  }

  async #run(work: (term: LeaseTerm) => Promise<void>): Promise<void> {
    try {
      await work(this.term);
    } catch (error) {
      if (!this.term.signal.aborted) this.#failure = { error };
      else
        this.#parts.log.debug(
          { err: error },
          `The work of term ${this.term.number} ended with an error after it was asked to end.`,
        );
    }
    this.#work = 'ended';
    // Whatever the work left running writes no more.
    this.term.finish('ended');
    this.#parts.wakeup.notify();
  }

  /** Returns when the term is lost, or its work has ended and every write of it is settled. */
  async #hold(): Promise<void> {
    const { clock, observer, wakeup } = this.#parts;
    for (;;) {
      const now = clock.monotonic();
      if (this.#settled(now)) return;
      const self = {
        role: 'leader',
        wrote: (fingerprint: string) => this.#sentAt(fingerprint) !== undefined,
        renewAt: this.#renewal(now),
        remaining: this.term.leaseRemaining(),
      } as const;
      const decision = decide(observer.current, self, now);
      if (decision.kind === 'stepDown') return this.#lose(decision.reason);
      this.#heedRequest();
      if (decision.kind === 'renew') void this.#renew();
      else if (decision.kind === 'wait') {
        if (!this.#renewing) this.#answer();
        await wakeup.wait(Math.min(decision.until, this.#nextStep(now)));
      }
    }
  }

  #answer(): void {
    for (const resolve of this.#asked.splice(0)) resolve();
  }

  /** Somebody has asked for a handover, by an annotation. */
  #heedRequest(): void {
    const { observer, log } = this.#parts;
    if (this.draining || observer.current.kind !== 'present') return;
    const request = handoverRequestOf(observer.current.lease, this.term.number);
    if (!request) return;
    log.info(
      { term: this.term.number },
      `Asked to hand over${request.heir ? ` to ${request.heir}` : ''}, by an annotation on the Lease.`,
    );
    // The annotation is a version of the Lease that we did not write: the release is to meet it.
    this.#adopt();
    this.drain(request.heir);
  }

  /** When this term sent that record. One of an earlier term of ours, which a restore of etcd may bring back, is not its own. */
  #sentAt(fingerprint: string): Instant | undefined {
    const sentAt = this.#parts.own.sentAt(fingerprint);
    return sentAt && sentAt.monotonic >= this.#acquiredAt.monotonic ? sentAt : undefined;
  }

  #settled(now: number): boolean {
    // A renewal under way would change the version that the release is conditional on.
    return this.#work === 'ended' && !this.#renewing && now >= this.term.unsettledUntil;
  }

  /** Never while a renewal is under way, nor for work that has outlived its grace: then the lease lapses. */
  #renewal(now: number): number {
    const overdue = this.#work === 'running' && now >= this.#graceEnds();
    const unasked = this.#renewsWhenAsked && !this.#wanted;
    return this.#renewing || overdue || unasked ? Number.POSITIVE_INFINITY : this.#renewAt;
  }

  #nextStep(now: number): number {
    const steps = [
      this.#graceEnds(),
      this.#work === 'ended' ? this.term.unsettledUntil : Number.POSITIVE_INFINITY,
    ];
    return Math.min(...steps.filter((step) => step > now));
  }

  #graceEnds(): number {
    return this.#drainingSince === undefined
      ? Number.POSITIVE_INFINITY
      : this.#drainingSince + this.#parts.timings.drainGrace;
  }

  #lose(reason: Exclude<TermEnd, 'ended'>): void {
    this.#lost = reason;
    this.term.finish(reason);
    this.#abort.abort();
  }

  async #renew(): Promise<void> {
    const { clock, own, timings, lease, observer, wakeup } = this.#parts;
    this.#renewing = true;
    this.#wanted = false;
    const startedAt = instant(clock);
    const next = renewed(this.term.lease, clock.wall());
    const sentAt = own.add(fingerprintOf(next), startedAt);
    try {
      const answer = await lease.update(next, {
        timeout: timeoutWithin(this.term.leaseRemaining(), timings),
        signal: this.#abort.signal,
      });
      if (answer.metadata.resourceVersion === this.term.lease.metadata.resourceVersion) {
        throw new IncumbentError('RENEWAL_UNCHANGED', 'The server stored nothing new.');
      }
      this.#renewed(answer, { startedAt, sentAt });
      if (!this.#lost) observer.note(answer, { reopen: false });
    } catch (error) {
      await this.#renewalFailed(error, startedAt);
    } finally {
      this.#renewing = false;
      wakeup.notify();
    }
  }

  /** `sentAt` is earlier than `startedAt` where the same record had been sent before: the server may have stored that one. */
  #renewed(
    lease: Lease,
    { startedAt, sentAt }: { readonly startedAt: Instant; readonly sentAt: Instant },
  ): void {
    const { metrics, clock, timings } = this.#parts;
    metrics.renewed({
      latency: clock.monotonic() - startedAt.monotonic,
      margin: this.term.leaseRemaining(),
    });
    this.term.renew(lease, sentAt);
    this.#renewAt = Math.max(sentAt.monotonic + timings.renewInterval, clock.monotonic());
  }

  async #renewalFailed(error: unknown, startedAt: Instant): Promise<void> {
    const { clock, log, key, timings, observer, metrics } = this.#parts;
    if (this.#abort.signal.aborted) return;
    metrics.renewalFailed();
    log.warn({ remaining: Math.round(this.term.leaseRemaining()) }, explain(error, 'update', key));
    if ((isConflict(error) || isNotFound(error)) && (await observer.refresh()) && this.#adopt())
      return metrics.slowPath();
    // Two whole attempts fit before the deadline even where the server asks for more patience than there is.
    const patience = Math.min(
      retryAfter(error),
      Math.max(this.term.leaseRemaining() - 2 * timings.attemptTimeout, 0),
    );
    this.#renewAt = clock.monotonic() + Math.max(this.#retryIn(startedAt), patience);
  }

  #retryIn(startedAt: Instant): number {
    const { clock, timings } = this.#parts;
    const age = clock.monotonic() - startedAt.monotonic;
    return retryIn({ age, remaining: this.term.leaseRemaining() }, timings);
  }

  /** After a conflict: what is there now may be a write of ours whose answer was lost, or ours with labels changed by others. */
  #adopt(): boolean {
    const { observer, clock, timings } = this.#parts;
    if (observer.current.kind !== 'present') return false;
    const { lease } = observer.current;
    const sentAt = this.#sentAt(fingerprintOf(lease));
    // A conflict with the very version that is there is no reason to hurry.
    if (!sentAt || lease.metadata.resourceVersion === this.term.lease.metadata.resourceVersion) return false;
    this.term.renew(lease, sentAt);
    this.#renewAt = Math.max(this.term.renewedAt.monotonic + timings.renewInterval, clock.monotonic());
    return true;
  }

  /** Conditional on the version that this term knows: it can't touch a successor's lease. */
  async #release(): Promise<boolean> {
    const { clock, lease, log, key, timings, observer, own } = this.#parts;
    while (this.term.leaseRemaining() > 0) {
      const startedAt = instant(clock);
      const free = released(this.term.lease, clock.wall(), this.#heir);
      own.add(fingerprintOf(free), startedAt);
      try {
        observer.note(
          await lease.update(free, { timeout: timeoutWithin(this.term.leaseRemaining(), timings) }),
          { reopen: true },
        );
        return true;
      } catch (error) {
        log.warn({}, `Not released yet. ${explain(error, 'update', key)}`);
        if (await this.#lostOrReleased(error)) return this.#isReleased();
        await sleep(clock, this.#retryIn(startedAt));
      }
    }
    return false;
  }

  async #lostOrReleased(error: unknown): Promise<boolean> {
    if (!isConflict(error) && !isNotFound(error)) return false;
    if (!(await this.#parts.observer.refresh())) return false;
    if (this.#isReleased()) return true;
    this.#adopt();
    const { current } = this.#parts.observer;
    return current.kind !== 'present' || !this.#sentAt(fingerprintOf(current.lease));
  }

  /** By any of our attempts: the answer to an earlier one may have been lost. */
  #isReleased(): boolean {
    const { current } = this.#parts.observer;
    if (current.kind !== 'present' || recordOf(current.lease).holder) return false;
    return this.#sentAt(fingerprintOf(current.lease)) !== undefined;
  }
}
