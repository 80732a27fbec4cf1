import type { Lease } from '@incumbent/core/client';

/**
 * Asks the leader of one term, from outside of the process, to step down: `TERM/REPLICA` in favour of a replica, `TERM/` of anybody. That
 * leader's term ends as by {@link LeaderElector.handOver}; all others ignore it, and the next acquisition clears it.
 */
export const HANDOVER_REQUEST_ANNOTATION = 'incumbent.dev/handover-request';

/** The annotation's value. `term`: the `leaseTransitions` of the Lease as it is held. */
export function handoverRequest(term: number, heir = ''): string {
  return `${term}/${heir}`;
}

/** What the leader of `term` is asked for, or undefined. */
export function handoverRequestOf(
  { metadata }: Lease,
  term: number,
): { readonly heir: string | undefined } | undefined {
  const [, forTerm, heir] =
    /^(\d+)\/(.*)$/.exec(metadata.annotations?.[HANDOVER_REQUEST_ANNOTATION] ?? '') ?? [];
  return forTerm === String(term) ? { heir: heir || undefined } : undefined;
}
