/** A session: one term of one member. Its items are nobody else's before it is known to be over, and nobody's of a later one. */
import type { Lease } from '@incumbent/core/client';
import { recordOf } from '../lease/lease-record.js';

/** The last that was seen of a member's Lease. Times are milliseconds on our own monotonic clock. */
export interface Sighting {
  /** Undefined: there is no such Lease. */
  readonly lease: Lease | undefined;
  /** Since when its record is as it is, or since when it may count as gone. */
  readonly since: number;
}

/** What is known of a session. Once it is over, it is so for ever. */
export type Verdict =
  | { readonly kind: 'live'; readonly until: number }
  /** No more work for it; what it has is its own until then. */
  | { readonly kind: 'doubtful'; readonly until: number }
  /** Over as soon as this very version of its Lease is deleted: then it can't have been renewed. */
  | { readonly kind: 'expired'; readonly lease: Lease }
  /** Over if a fresh read finds no Lease. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'over' };

/** `<member>.<term>`: fits into the value of a label. */
export function sessionOf(member: string, term: number): string {
  return `${member}.${term}`;
}

export function memberOf(session: string): string {
  return session.slice(0, session.lastIndexOf('.'));
}

export function termOf(session: string): number {
  return Number(session.slice(session.lastIndexOf('.') + 1));
}

/** Whether nobody holds the lease, and nobody has to be waited for: as a release leaves it. */
export function isReleased(lease: Lease): boolean {
  const { holder, duration } = recordOf(lease);
  return holder === '' && (duration === undefined || duration <= 1000);
}

/**
 * Silence alone ends nothing: a watch may be mute while the member renews. It gives the right to try a write that fails if there
 * was a renewal. `leaseDuration` is for Leases that are gone, or have none.
 */
export function judge(
  session: string,
  { lease, since }: Sighting,
  { leaseDuration, now }: { readonly leaseDuration: number; readonly now: number },
): Verdict {
  if (!lease)
    return now < since + leaseDuration
      ? { kind: 'doubtful', until: since + leaseDuration }
      : { kind: 'missing' };
  const { holder, duration = leaseDuration, transitions } = recordOf(lease);
  if (termOf(session) < endedBefore(memberOf(session), lease)) return { kind: 'over' };
  if (now >= since + duration) return { kind: 'expired', lease };
  const isOwn = holder === memberOf(session) && transitions === termOf(session);
  return { kind: isOwn ? 'live' : 'doubtful', until: since + duration };
}

/**
 * The first term of the member that is not over by the member's own word: it released, or it began a later term, which it does only
 * when the last has ended.
 */
export function endedBefore(member: string, lease: Lease): number {
  const { holder, transitions } = recordOf(lease);
  if (isReleased(lease)) return transitions + 1;
  return holder === member ? transitions : 0;
}
