import {
  type Draft,
  IncumbentError,
  type Lease,
  type WatchEvent,
  formatDuration,
} from '@incumbent/core/client';
import type { AttemptOptions, LeasePort } from '../lease/lease-port.js';
import { recordOf } from '../lease/lease-record.js';

/** A main thread that has been silent for so many milliseconds takes up no new term: its work could not begin. */
const FIT_TO_LEAD = 1000;

/**
 * The watchdog: a Lease that is only acquired and renewed for a main thread that answers.
 *
 * What it holds back fails like a request that the server did not take, so that the election goes its usual way: the attempt is
 * repeated, and if the main thread stays silent the term runs out at its deadline. A release passes: it comes after the work.
 */
export class WatchedLease implements LeasePort {
  readonly #lease: LeasePort;
  readonly #silence: () => number;
  readonly #limit: number;

  /** `silence`: milliseconds since the main thread has last answered. `limit`: the longest for which a lease is renewed. */
  constructor(lease: LeasePort, silence: () => number, limit: number) {
    this.#lease = lease;
    this.#silence = silence;
    this.#limit = limit;
  }

  get(options: AttemptOptions): Promise<Lease | undefined> {
    return this.#lease.get(options);
  }

  async create(lease: Draft<Lease>, options: AttemptOptions): Promise<Lease> {
    this.#assertFitToLead();
    return this.#lease.create(lease, options);
  }

  async update(lease: Lease, options: AttemptOptions): Promise<Lease> {
    if (isAcquisition(lease)) this.#assertFitToLead();
    else if (!isRelease(lease)) this.#assertAlive();
    return this.#lease.update(lease, options);
  }

  watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    return this.#lease.watch(resourceVersion, signal);
  }

  close(): Promise<void> {
    return this.#lease.close();
  }

  #assertAlive(): void {
    const silence = this.#silence();
    if (silence < this.#limit) return;
    throw silent(
      `The main thread has not answered for ${formatDuration(silence)}, longer than mainThreadLimit (${formatDuration(this.#limit)}): the lease is not renewed.`,
    );
  }

  #assertFitToLead(): void {
    const silence = this.#silence();
    if (silence < Math.min(FIT_TO_LEAD, this.#limit)) return;
    throw silent(
      `The main thread has not answered for ${formatDuration(silence)}: the lease is left to others until it does.`,
    );
  }
}

function silent(message: string): IncumbentError {
  return new IncumbentError('MAIN_THREAD_SILENT', message);
}

function isRelease(lease: Lease): boolean {
  return recordOf(lease).holder === '';
}

/** A renewal moves `renewTime` and leaves `acquireTime`. */
function isAcquisition({ spec }: Lease): boolean {
  return !isRelease({ spec } as Lease) && spec?.acquireTime === spec?.renewTime;
}
