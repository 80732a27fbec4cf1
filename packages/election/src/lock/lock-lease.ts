import { ApiError, type Draft, type Lease, type WatchEvent, isApiError } from '@incumbent/core/client';
import { released } from '../elector/spec.js';
import type { AttemptOptions, LeasePort, RemovableLeasePort } from '../lease/lease-port.js';
import { recordOf } from '../lease/lease-record.js';
import { MicroTime } from '../lease/micro-time.js';
import type { LockHolder } from './lock-errors.js';
import type { Turns } from './turns.js';

export interface LockLeaseParts {
  readonly lease: RemovableLeasePort;
  /** `namespace/name`. */
  readonly name: string;
  readonly identity: string;
  /** Taken for an acquiring write, and kept when it succeeds: who asks for one of several leases acquires no second one. */
  readonly turns: Turns;
  /** Ends the wait for a turn. */
  readonly signal: AbortSignal;
  /** Called after each change of {@link LockLease.obstacle}. */
  readonly onChange: () => void;
  readonly onFailure: (error: unknown, verb: 'get' | 'create' | 'update') => void;
}

/** The Lease of a lock as its elector uses it. What passes through tells who stands in the way, and whose the Lease is. */
export class LockLease implements LeasePort {
  readonly #parts: LockLeaseParts;
  #obstacle: LockHolder | undefined;
  #acquired: number | undefined;
  /** Whether our turn lasts. */
  #holdsTurn = false;
  #createdByUs = false;
  /** An acquiring write may have taken effect without our having heard of it. */
  #inDoubt = false;
  #released: Lease | undefined;

  constructor(parts: LockLeaseParts) {
    this.#parts = parts;
  }

  /** The holder whom this acquisition has to wait for, or had to: one who has not released the lease. */
  get obstacle(): LockHolder | undefined {
    return this.#obstacle;
  }

  async get(options: AttemptOptions): Promise<Lease | undefined> {
    const lease = await this.#telling('get', () => this.#parts.lease.get(options));
    this.#see(lease);
    return lease;
  }

  async create(draft: Draft<Lease>, options: AttemptOptions): Promise<Lease> {
    const lease = await this.#acquire('create', () => this.#parts.lease.create(draft, options));
    this.#createdByUs = true;
    return lease;
  }

  async update(lease: Lease, options: AttemptOptions): Promise<Lease> {
    const write = (): Promise<Lease> => this.#parts.lease.update(lease, options);
    const { holder, transitions } = recordOf(lease);
    if (holder === this.#parts.identity && transitions !== this.#acquired)
      return this.#acquire('update', write);
    const answer = await this.#telling('update', write);
    if (!holder) this.#released = answer;
    return answer;
  }

  async *watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    for await (const event of this.#parts.lease.watch(resourceVersion, signal)) {
      if (event.type === 'ADDED' || event.type === 'MODIFIED') this.#see(event.object);
      yield event;
    }
  }

  close(): Promise<void> {
    return this.#parts.lease.close();
  }

  /** Lets another lease be acquired: what was won here came to nothing. */
  passTurn(): void {
    if (!this.#holdsTurn) return;
    this.#holdsTurn = false;
    this.#parts.turns.pass();
  }

  /** Once the elector has ended: frees a Lease that was acquired without its knowing. The identity is of one acquisition, so it is ours. */
  async disown(now: Date, options: AttemptOptions): Promise<void> {
    if (!this.#inDoubt) return;
    const { lease, identity } = this.#parts;
    try {
      const found = await lease.get(options);
      if (found && recordOf(found).holder === identity) await lease.update(released(found, now), options);
    } finally {
      await lease.close();
    }
  }

  /** Deletes what we created and released, unless somebody has touched it since. */
  async remove(options: AttemptOptions): Promise<void> {
    if (!this.#createdByUs || !this.#released) return;
    try {
      await this.#parts.lease.delete(this.#released, options);
    } finally {
      await this.#parts.lease.close();
    }
  }

  async #acquire(verb: 'create' | 'update', write: () => Promise<Lease>): Promise<Lease> {
    const { turns, signal, name } = this.#parts;
    if (!this.#holdsTurn && !(await turns.take(signal))) throw tooLate(name);
    this.#holdsTurn = true;
    try {
      const lease = await this.#telling(verb, write);
      this.#acquired = recordOf(lease).transitions;
      this.#inDoubt = false;
      return lease;
    } catch (error) {
      if (!isApiError(error)) this.#inDoubt = true;
      this.passTurn();
      throw error;
    }
  }

  async #telling<T>(verb: 'get' | 'create' | 'update', request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      this.#parts.onFailure(error, verb);
      throw error;
    }
  }

  /** That there is no Lease says nothing: its last holder may still act. */
  #see(lease: Lease | undefined): void {
    if (!lease) return;
    const { holder, duration = 0 } = recordOf(lease);
    if (holder === this.#parts.identity) return;
    if (holder) this.#createdByUs = false;
    // As an elector judges: without holder, but with a duration that no release writes, it was blanked by hand.
    this.#obstacle = holder || duration > 1000 ? holderOf(lease, this.#parts.name) : undefined;
    this.#parts.onChange();
  }
}

function holderOf({ spec }: Lease, lease: string): LockHolder {
  const time = (text: string | undefined): MicroTime | undefined =>
    text ? MicroTime.parse(text) : undefined;
  return {
    lease,
    identity: spec?.holderIdentity ?? '',
    since: time(spec?.acquireTime),
    renewed: time(spec?.renewTime),
  };
}

/** To the elector it is a race that was lost. */
function tooLate(name: string): ApiError {
  return new ApiError(`Lease ${name}`, 409, {
    reason: 'Conflict',
    message: 'another one was acquired meanwhile, nothing was sent',
  });
}
