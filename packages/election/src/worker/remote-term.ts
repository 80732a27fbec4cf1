import { AuthorityLostError, type Clock, type Term } from '@incumbent/core/client';
import { REASONS, type TermEnd } from '../term/lease-term.js';
import { UnsettledWrites } from '../term/unsettled-writes.js';
import type { ToThread, Won } from './messages.js';
import { SharedTerm } from './shared-term.js';

export type RemoteTermEnd = TermEnd | 'thread';

export interface RemoteTermParts {
  readonly won: Won;
  /** `namespace/name` of the Lease. */
  readonly name: string;
  readonly clock: Clock;
  /** Milliseconds that a write may be on its way: what lies between renew deadline and lease duration. */
  readonly transit: number;
  readonly send: (message: ToThread) => void;
}

/**
 * A term that another thread renews.
 *
 * How long it lasts is read from shared memory at each call: no message has to arrive for a write to be refused. Its signal needs a
 * turn of the event loop, as every signal does.
 */
export class RemoteTerm implements Term {
  readonly number: number;
  readonly token: string;
  readonly #parts: RemoteTermParts;
  readonly #shared: SharedTerm;
  readonly #abort = new AbortController();
  #end: RemoteTermEnd | undefined;
  readonly #unsettled: UnsettledWrites;
  #handedBack = false;
  #cancel: () => void = () => {};

  constructor(parts: RemoteTermParts) {
    this.number = parts.won.number;
    this.token = parts.won.token;
    this.#parts = parts;
    this.#shared = new SharedTerm(parts.won.memory);
    this.#unsettled = new UnsettledWrites(parts.clock, () => {
      if (this.#handedBack && !this.#isUnsettled()) parts.send({ kind: 'settled' });
    });
    this.#watch();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  remaining(): number {
    this.#end ??= this.#shared.end;
    if (this.#end) return 0;
    const remaining = this.leaseRemaining();
    // Once over, a term is over, also if a renewal that was on its way is counted a moment later.
    if (remaining <= 0) this.#end = 'expired';
    return remaining;
  }

  assertHeld(): void {
    if (this.remaining() <= 0) throw this.#lost();
  }

  mayStillCommit(ms: number): () => void {
    return this.#unsettled.add(ms + this.#parts.transit);
  }

  /** Lets the other thread go on when what was sent is answered, or can no longer take effect. Nothing more is sent under this term. */
  handBack(): void {
    const { send, transit } = this.#parts;
    this.#handedBack = true;
    // The other thread's term adds the time of transit, as it does for a write of its own.
    if (this.#isUnsettled()) send({ kind: 'unsettled', until: this.#unsettled.until - transit });
    send({ kind: 'ended' });
  }

  #isUnsettled(): boolean {
    return this.#unsettled.until > this.#parts.clock.monotonic();
  }

  get end(): RemoteTermEnd | undefined {
    return this.#end;
  }

  /** Milliseconds until the Lease may no longer count as ours, whether work goes on or not. */
  leaseRemaining(): number {
    return this.#shared.leaseRemaining(this.#parts.clock);
  }

  /** Asks the work to end, for the reason that the shared memory gives, or else while the term is still held. */
  endWork(): void {
    if (this.remaining() <= 0) return this.finish(this.#end ?? 'expired');
    this.#abort.abort(
      new AuthorityLostError(
        `Term ${this.number} of Lease ${this.#parts.name} is ending: the replica was asked to stop leading.`,
      ),
    );
  }

  /** From now on nothing is sent under this term. */
  finish(end: RemoteTermEnd): void {
    this.#cancel();
    this.#end ??= end;
    this.#abort.abort(this.#lost());
  }

  /** Notices the end also if the other thread can't tell. */
  #watch(): void {
    const remaining = this.remaining();
    if (remaining <= 0) return this.finish(this.#end ?? 'expired');
    this.#cancel = this.#parts.clock.schedule(remaining, () => this.#watch());
  }

  #lost(): AuthorityLostError {
    const end = this.#end ?? 'expired';
    const reason = end === 'thread' ? 'the thread that renews it has ended' : REASONS[end];
    return new AuthorityLostError(
      `Term ${this.number} of Lease ${this.#parts.name} is over: ${reason}. Nothing was sent.`,
    );
  }
}
