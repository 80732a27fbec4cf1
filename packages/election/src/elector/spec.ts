import type { Draft, Lease } from '@incumbent/core/client';
import { laterMicroTime, microTime } from '../lease/micro-time.js';
import { HANDOVER_ANNOTATION } from './decide.js';
import { HANDOVER_REQUEST_ANNOTATION } from './handover-request.js';

/** What is written into the Lease: pure functions from what was there to what shall be. Fields and labels of others stay. */

export interface Claim {
  readonly identity: string;
  /** Milliseconds, whole seconds. */
  readonly leaseDuration: number;
  readonly now: Date;
}

export function created(
  key: { readonly namespace: string; readonly name: string },
  transitions: number,
  claim: Claim,
): Draft<Lease> {
  return { metadata: { ...key }, spec: acquiredSpec({}, transitions, claim) };
}

export function takenOver(lease: Lease, claim: Claim): Lease {
  return withSpec(
    withoutHeir(lease),
    acquiredSpec(lease.spec ?? {}, (lease.spec?.leaseTransitions ?? 0) + 1, claim),
  );
}

export function renewed(lease: Lease, now: Date): Lease {
  return withSpec(lease, { ...lease.spec, renewTime: laterMicroTime(now, lease.spec?.renewTime) });
}

/** As client-go releases: no holder, one second, the transitions kept. */
export function released(lease: Lease, now: Date, heir?: string): Lease {
  const time = microTime(now);
  const { holderIdentity: _, ...spec } = lease.spec ?? {};
  const free = withSpec(lease, {
    ...spec,
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
  });
  if (heir === undefined) return free;
  return {
    ...free,
    metadata: {
      ...free.metadata,
      annotations: { ...free.metadata.annotations, [HANDOVER_ANNOTATION]: heir },
    },
  };
}

function acquiredSpec(
  spec: NonNullable<Lease['spec']>,
  leaseTransitions: number,
  { identity, leaseDuration, now }: Claim,
): NonNullable<Lease['spec']> {
  const time = microTime(now);
  return {
    ...spec,
    holderIdentity: identity,
    leaseDurationSeconds: leaseDuration / 1000,
    acquireTime: time,
    renewTime: time,
    leaseTransitions,
  };
}

/** managedFields are left to the server: sent back they only cost bytes. */
function withSpec(lease: Lease, spec: NonNullable<Lease['spec']>): Lease {
  const { managedFields: _, ...metadata } = lease.metadata;
  return { ...lease, metadata, spec };
}

/** Both are answered by the take-over. */
function withoutHeir(lease: Lease): Lease {
  const {
    [HANDOVER_ANNOTATION]: heir,
    [HANDOVER_REQUEST_ANNOTATION]: request,
    ...annotations
  } = lease.metadata.annotations ?? {};
  if (heir === undefined && request === undefined) return lease;
  return { ...lease, metadata: { ...lease.metadata, annotations } };
}
