import { type TypedLease, isExpired } from '@incumbent/election';
import { formatAge } from '../terminal/age.js';
import type { Style } from '../terminal/output.js';
import type { Cell } from '../terminal/table.js';

export type LeaseState = 'held' | 'expired' | 'released';

export interface Columns {
  readonly namespace: boolean;
  readonly wide: boolean;
}

const STYLES: Readonly<Record<LeaseState, Style>> = { held: 'green', expired: 'red', released: 'dim' };

/** For people: it compares the holder's clock with ours. */
export function stateOf(lease: TypedLease, now: Date): LeaseState {
  if (!lease.spec?.holderIdentity) return 'released';
  return isExpired(lease, now) ? 'expired' : 'held';
}

export function titlesOf({ namespace, wide }: Columns): readonly string[] {
  return [
    ...(namespace ? ['NAMESPACE'] : []),
    'NAME',
    'HOLDER',
    'STATE',
    'AGE',
    'HELD SINCE',
    'TRANSITIONS',
    'RENEWED',
    ...(wide ? ['DURATION', 'STRATEGY', 'PREFERRED HOLDER'] : []),
  ];
}

export function cellsOf(lease: TypedLease, now: Date, { namespace, wide }: Columns): readonly Cell[] {
  const { metadata, spec = {} } = lease;
  const state = stateOf(lease, now);
  const since = (time: { toDate(): Date } | undefined): string =>
    time ? formatAge(now.getTime() - time.toDate().getTime()) : '';
  const texts = [
    formatAge(now.getTime() - Date.parse(metadata.creationTimestamp)),
    state === 'released' ? '' : since(spec.acquireTime),
    String(spec.leaseTransitions ?? 0),
    since(spec.renewTime),
    ...(wide ? wideTexts(spec) : []),
  ];
  return [
    ...(namespace ? [{ text: metadata.namespace ?? '' }] : []),
    { text: metadata.name, style: 'bold' },
    { text: spec.holderIdentity ?? '' },
    { text: state, style: STYLES[state] },
    ...texts.map((text) => ({ text })),
  ];
}

function wideTexts(spec: NonNullable<TypedLease['spec']>): readonly string[] {
  const { leaseDurationSeconds: seconds, strategy, preferredHolder } = spec;
  return [seconds === undefined ? '' : `${seconds}s`, strategy ?? '', preferredHolder ?? ''];
}
