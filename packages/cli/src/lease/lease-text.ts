import type { TypedLease } from '@incumbent/election';
import { stringify } from 'yaml';
import type { Paint } from '../terminal/output.js';
import { Table } from '../terminal/table.js';
import { type Columns, cellsOf, titlesOf } from './lease-row.js';

export type Format = 'wide' | 'json' | 'yaml';

/** As `kubectl get -o json|yaml`: one Lease as it is, several as a List; without managedFields. */
export function documentOf(leases: readonly TypedLease[], format: 'json' | 'yaml', isOne: boolean): string {
  const plain = leases.map(plainLease);
  const document = isOne
    ? plain[0]
    : { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: plain };
  return format === 'json'
    ? `${JSON.stringify(document, undefined, 4)}\n`
    : stringify(document, { version: '1.1' });
}

export function tableOf(
  leases: readonly TypedLease[],
  now: Date,
  { paint, ...columns }: Columns & { readonly paint: Paint },
): string {
  const table = new Table(titlesOf(columns), paint);
  const rows = leases.map((lease) => cellsOf(lease, now, columns));
  return `${table.lines(rows).join('\n')}\n`;
}

/** As on the wire, times as text. */
export function plainLease(lease: TypedLease): Record<string, unknown> {
  const { managedFields: _, ...metadata } = lease.metadata;
  const plain = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: lease.spec };
  return JSON.parse(JSON.stringify(plain)) as Record<string, unknown>;
}
