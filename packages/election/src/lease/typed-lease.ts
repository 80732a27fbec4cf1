/** A Lease whose times are values. Everything else is as on the wire, fields that nobody here knows included. */
import type { Draft, Lease } from '@incumbent/core/client';
import type { LeaseSpec } from './lease-record.js';
import { MicroTime } from './micro-time.js';

export interface TypedLeaseSpec extends Omit<LeaseSpec, 'acquireTime' | 'renewTime'> {
  acquireTime?: MicroTime;
  renewTime?: MicroTime;
}

export interface TypedLease extends Omit<Lease, 'spec'> {
  spec?: TypedLeaseSpec;
}

type Body<Spec> = { readonly spec?: Spec };

/** @throws {@link IncumbentError} `MICRO_TIME_INVALID`; the API server stores no such times */
export function typedLease(lease: Lease): TypedLease {
  const { spec, ...rest } = lease;
  return spec ? { ...rest, spec: withTimes(spec, (time) => MicroTime.parse(String(time))) } : rest;
}

export function wireLease(lease: TypedLease): Lease;
export function wireLease(lease: Draft<TypedLease>): Draft<Lease>;
export function wireLease(lease: Draft<TypedLease>): Draft<Lease> {
  const { spec, ...rest } = lease;
  return spec ? { ...rest, spec: withTimes(spec, String) } : rest;
}

/**
 * Whether a lease's holder seems to be gone at `now`, by the times that the holder wrote: for a column in a table, a dashboard, a
 * warning. True also when nobody holds it.
 *
 * An election does not use this. `renewTime` comes from the holder's wall clock and `now` from ours: where they differ by more than
 * the lease duration, or one of them is set, a living holder seems dead. An elector takes a lease only when it has itself
 * seen no change of it for the whole duration, by its own monotonic clock. Don't base a take-over on this.
 */
export function isExpired(lease: Body<LeaseSpec | TypedLeaseSpec>, now: Date): boolean {
  const { holderIdentity, leaseDurationSeconds, renewTime } = lease.spec ?? {};
  if (!holderIdentity || !leaseDurationSeconds || !renewTime) return true;
  const age = MicroTime.from(now).since(MicroTime.parse(String(renewTime)));
  return age > leaseDurationSeconds * 1000;
}

function withTimes<From, To>(
  { acquireTime, renewTime, ...spec }: { acquireTime?: From; renewTime?: From },
  convert: (time: From) => To,
) {
  return {
    ...spec,
    ...(acquireTime ? { acquireTime: convert(acquireTime) } : {}),
    ...(renewTime ? { renewTime: convert(renewTime) } : {}),
  };
}
