import type { Draft, Lease, WatchEvent } from '@incumbent/core/client';

export interface AttemptOptions {
  /** Milliseconds until the attempt is given up, its socket with it. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** One Lease at an API server: all that an elector asks of the outside world. Errors are core's ApiError and RequestError. */
export interface LeasePort {
  /** The newest state, never a cached one; undefined when there is no such Lease. */
  get(options: AttemptOptions): Promise<Lease | undefined>;
  create(lease: Draft<Lease>, options: AttemptOptions): Promise<Lease>;
  /** Conditional on the uid and resourceVersion in `lease`. */
  update(lease: Lease, options: AttemptOptions): Promise<Lease>;
  /** Changes after `resourceVersion`; without one the present state first. */
  watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>>;
  /** Lets go of its sockets. It may be used again. */
  close(): Promise<void>;
}

/** A port for those who may also remove the Lease again: locks do, elections never. */
export interface RemovableLeasePort extends LeasePort {
  /** Conditional on the uid and resourceVersion in `lease`. */
  delete(lease: Lease, options: AttemptOptions): Promise<void>;
}
