/** The Lease as an election reads and writes it: its record, its times, and the client for it. */
import type { Lease } from '@incumbent/core/client';

export type LeaseSpec = NonNullable<Lease['spec']>;

/** Who must hold a lease for how long. Taken from a spec as it is on the wire, whoever wrote it. */
export interface LeaseRecord {
  /** Empty when nobody holds the lease. */
  readonly holder: string;
  /** Milliseconds for which others must leave it alone after its last change. Undefined when the spec has no positive duration. */
  readonly duration: number | undefined;
  readonly transitions: number;
}

export function recordOf(lease: Lease): LeaseRecord {
  const { holderIdentity, leaseDurationSeconds = 0, leaseTransitions } = lease.spec ?? {};
  return {
    holder: holderIdentity ?? '',
    duration: leaseDurationSeconds > 0 ? leaseDurationSeconds * 1000 : undefined,
    transitions: leaseTransitions ?? 0,
  };
}

/**
 * Two leases have the same fingerprint if their specs are equal, fields we don't know included. Labels, annotations and
 * managedFields don't count: whoever changes those proves nothing about the holder's life.
 */
export function fingerprintOf({ spec }: Pick<Lease, 'spec'>): string {
  if (!spec) return canonical({});
  const known = fingerprints.get(spec);
  if (known !== undefined) return known;
  const fingerprint = canonical(spec);
  fingerprints.set(spec, fingerprint);
  return fingerprint;
}

/** A spec is asked for again and again, and is never changed in place. */
const fingerprints = new WeakMap<LeaseSpec, string>();

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`)
    .join(',')}}`;
}
