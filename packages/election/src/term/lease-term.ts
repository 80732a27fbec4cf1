/** A term: the right that a held Lease gives, for as long as the clock says so. */
import {
  AuthorityLostError,
  type Clock,
  type Instant,
  type Lease,
  type Term,
  elapsedSince,
} from '@incumbent/core/client';
import { recordOf } from '../lease/lease-record.js';
import { UnsettledWrites } from './unsettled-writes.js';

export type TermEnd = 'expired' | 'deleted' | 'usurped' | 'ended';

export const REASONS: Readonly<Record<TermEnd, string>> = {
  expired: 'it could not be renewed in time',
  deleted: 'its Lease was deleted',
  usurped: 'somebody else wrote its Lease',
  ended: 'its work has ended',
};

/** Milliseconds. Between the two lies the room for writes that arrive late. */
export interface TermTimings {
  readonly leaseDuration: number;
  readonly renewDeadline: number;
}

export class LeaseTerm implements Term {
  readonly number: number;
  readonly token: string;
  readonly #clock: Clock;
  readonly #timings: TermTimings;
  readonly #abort = new AbortController();
  #lease: Lease;
  #renewedAt: Instant;
  readonly #unsettled: UnsettledWrites;
  #end: TermEnd | undefined;
  /** Called in the tick in which the term is renewed or ends: whoever shows it to another thread is told. */
  onChange: () => void = () => {};
  /** Called when, after the end of the term, a write that was sent under it is answered. */
  onAnswer: () => void = () => {};

  /** `acquiredAt`: when the acquiring write was sent. */
  constructor(lease: Lease, acquiredAt: Instant, timings: TermTimings, clock: Clock) {
    this.number = recordOf(lease).transitions;
    this.token = lease.metadata.resourceVersion;
    this.#lease = lease;
    this.#renewedAt = acquiredAt;
    this.#timings = timings;
    this.#clock = clock;
    this.#unsettled = new UnsettledWrites(clock, () => this.#end && this.onAnswer());
  }

  /** Aborts when the term is lost, and when its work is asked to end. In the latter case writes still go through. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  remaining(): number {
    return this.#end ? 0 : this.leaseRemaining();
  }

  assertHeld(): void {
    if (this.remaining() > 0) return;
    throw new AuthorityLostError(
      `Term ${this.number} of Lease ${this.#name} is over: ${REASONS[this.#end ?? 'expired']}. Nothing was sent.`,
    );
  }

  /** `ms` is what the server was given; on its way to the server the write may have been for as long as writes can be late. */
  mayStillCommit(ms: number): () => void {
    const { leaseDuration, renewDeadline } = this.#timings;
    return this.#unsettled.add(ms + (leaseDuration - renewDeadline));
  }

  /** The Lease as this term last wrote or read it. */
  get lease(): Lease {
    return this.#lease;
  }

  get renewedAt(): Instant {
    return this.#renewedAt;
  }

  get end(): TermEnd | undefined {
    return this.#end;
  }

  /** When the last write that was not answered can no longer take effect, on the monotonic clock. */
  get unsettledUntil(): number {
    return this.#unsettled.until;
  }

  /** Milliseconds until the Lease may no longer count as ours, whether work goes on or not. */
  leaseRemaining(): number {
    return this.#timings.renewDeadline - elapsedSince(this.#clock, this.#renewedAt);
  }

  /** A renewal that was sent at `sentAt` has succeeded. Too late for a term that is over. */
  renew(lease: Lease, sentAt: Instant): void {
    if (this.leaseRemaining() <= 0) return;
    this.#lease = lease;
    if (elapsedSince(this.#clock, sentAt) < elapsedSince(this.#clock, this.#renewedAt))
      this.#renewedAt = sentAt;
    this.onChange();
  }

  /** Asks the work to end while the term is still held. */
  drain(): void {
    this.#abort.abort(
      new AuthorityLostError(
        `Term ${this.number} of Lease ${this.#name} is ending: the replica was asked to stop leading.`,
      ),
    );
  }

  /** From now on nothing is sent under this term. */
  finish(end: TermEnd): void {
    this.#end ??= end;
    this.onChange();
    this.#abort.abort(
      new AuthorityLostError(`Term ${this.number} of Lease ${this.#name} is over: ${REASONS[this.#end]}.`),
    );
  }

  get #name(): string {
    return `${this.#lease.metadata.namespace}/${this.#lease.metadata.name}`;
  }
}
