/** What may go wrong at a write. */
export const FAULTS = {
  crashBefore: 'the process dies before it is sent',
  crashAfter: 'it takes effect, and the process dies',
  lostAnswer: 'it takes effect, and its answer is lost',
  conflict: 'it is answered with 409 Conflict',
  tooMany: 'it is answered with 429 Too Many Requests',
  unavailable: 'it is answered with 503 Service Unavailable',
  lostTermBefore: 'the lease is lost before it is sent',
  lostTermAfter: 'it takes effect, and the lease is lost',
  staleCache: 'from then on the cache is 20 s behind',
  droppedWatches: 'it takes effect, and all watches break before they tell of it',
} as const;

export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly kind: FaultKind;
  /** Which write of the operator, counted from 1. */
  readonly write: number;
}

/** Every fault at each of so many writes. */
export function faultsAt(writes: number): Fault[] {
  const kinds = Object.keys(FAULTS) as FaultKind[];
  return Array.from({ length: writes }, (_, index) =>
    kinds.map((kind) => ({ kind, write: index + 1 })),
  ).flat();
}
