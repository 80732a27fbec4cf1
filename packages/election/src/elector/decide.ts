/** What to do next, as a pure function of what this elector has seen: no I/O, no clock. The driver is {@link LeaderElector}. */
import type { Lease } from '@incumbent/core/client';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';

/** What an elector has seen of its Lease. Times are milliseconds on its own monotonic clock. */
export type Observation =
  | { readonly kind: 'unknown' }
  /** There is no Lease. `last`: what it was before; its holder may still act. */
  | { readonly kind: 'absent'; readonly last: Sighting | undefined }
  | ({ readonly kind: 'present' } & Sighting);

export interface Sighting {
  readonly lease: Lease;
  /** When this record, whatever its metadata, was first seen. */
  readonly since: number;
}

export interface Follower {
  readonly role: 'follower';
  /** Whether this elector wrote, or at least sent, the record with this fingerprint: its own ended term need not be waited for. */
  readonly wrote: (fingerprint: string) => boolean;
  /** Own lease duration, for records that have none. */
  readonly leaseDuration: number;
  /** No attempt before this time: after a lost race, a failure, or stepping down. */
  readonly notBefore: number;
  /** Identity of this replica's pod or the whole identity, for a handover addressed to it. */
  readonly identity: string;
  /** How long others leave a lease alone that was handed over to somebody by name. */
  readonly retryPeriod: number;
  /** A holder that is known to be over, and how long its record protects it all the same. */
  readonly earlierRun?: { readonly is: (holder: string) => boolean; readonly wait: number } | undefined;
}

export interface Leader {
  readonly role: 'leader';
  /** Whether this elector wrote, or at least sent, the record with this fingerprint. */
  readonly wrote: (fingerprint: string) => boolean;
  /** When the next renewal is due. */
  readonly renewAt: number;
  /** Milliseconds that the term is still safe. */
  readonly remaining: number;
}

export type Decision =
  | { readonly kind: 'create'; readonly transitions: number }
  | { readonly kind: 'takeOver'; readonly lease: Lease }
  | { readonly kind: 'renew' }
  | { readonly kind: 'stepDown'; readonly reason: 'expired' | 'deleted' | 'usurped' }
  /** Until this time, or until something is seen. */
  | { readonly kind: 'wait'; readonly until: number };

/** Names the replica a released lease is meant for; others leave it alone for a retry period. */
export const HANDOVER_ANNOTATION = 'incumbent.dev/handover-to';

export function decide(observation: Observation, self: Follower | Leader, now: number): Decision {
  return self.role === 'leader'
    ? decideAsLeader(observation, self, now)
    : decideAsFollower(observation, self, now);
}

function decideAsLeader(observation: Observation, self: Leader, now: number): Decision {
  if (self.remaining <= 0) return { kind: 'stepDown', reason: 'expired' };
  if (observation.kind === 'absent') return { kind: 'stepDown', reason: 'deleted' };
  if (observation.kind === 'present' && !self.wrote(fingerprintOf(observation.lease)))
    return { kind: 'stepDown', reason: 'usurped' };
  if (now >= self.renewAt) return { kind: 'renew' };
  return { kind: 'wait', until: Math.min(self.renewAt, now + self.remaining) };
}

function decideAsFollower(observation: Observation, self: Follower, now: number): Decision {
  if (observation.kind === 'unknown') return { kind: 'wait', until: Number.POSITIVE_INFINITY };
  const free = Math.max(freeAt(observation, self), self.notBefore);
  if (now < free) return { kind: 'wait', until: free };
  if (observation.kind === 'present') return { kind: 'takeOver', lease: observation.lease };
  return {
    kind: 'create',
    transitions: observation.last ? recordOf(observation.last.lease).transitions + 1 : 0,
  };
}

/** When nobody may act any more under what was observed. Deleting a Lease does not stop the one who held it. */
function freeAt(observation: Exclude<Observation, { kind: 'unknown' }>, self: Follower): number {
  const sighting = observation.kind === 'present' ? observation : observation.last;
  if (!sighting || self.wrote(fingerprintOf(sighting.lease))) return Number.NEGATIVE_INFINITY;
  return sighting.since + waitFor(sighting.lease, self);
}

/** Milliseconds for which a record protects its holder after it was first seen. */
function waitFor(lease: Lease, self: Follower): number {
  const { holder, duration } = recordOf(lease);
  const whole = duration ?? self.leaseDuration;
  if (holder && self.earlierRun?.is(holder)) return Math.min(whole, self.earlierRun.wait);
  if (holder) return whole;
  // A release writes a duration of one second. A longer one was blanked by hand, under a holder that may still act.
  const rest = duration === undefined || duration <= 1000 ? 0 : duration;
  return Math.max(rest, isForSomebodyElse(lease, self.identity) ? self.retryPeriod : 0);
}

function isForSomebodyElse(lease: Lease, identity: string): boolean {
  const heir = lease.metadata.annotations?.[HANDOVER_ANNOTATION];
  return heir !== undefined && heir !== identity && !identity.startsWith(`${heir}_`);
}
