import { FAULT_KINDS, type FaultKind } from './fault.js';
import type { Subject } from './subject.js';

export interface BatchOptions {
  /** Seed of the first history. */
  readonly seed: number;
  readonly count: number;
  /** From one seed to the next: batches that run side by side interleave. @defaultValue 1 */
  readonly stride?: number;
  /** Index of a mutation. */
  readonly mutation?: number | undefined;
  /** Ends with the first history that fails. @defaultValue false */
  readonly untilFailure?: boolean;
}

/** A history that broke a promise, by its first breach. */
export interface Failure {
  readonly seed: number;
  readonly property: string;
  readonly what: string;
}

/** What a number of histories came to. Plain data: it passes between threads. */
export interface Batch {
  histories: number;
  events: number;
  /** Milliseconds. */
  virtualTime: number;
  /** What happened how often, in words. */
  readonly counts: Record<string, number>;
  readonly faults: Record<FaultKind, number>;
  readonly failures: Failure[];
}

export function emptyBatch(): Batch {
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  return { histories: 0, events: 0, virtualTime: 0, counts: {}, faults, failures: [] };
}

export async function runBatch(
  subject: Subject,
  { seed, count, stride = 1, mutation, untilFailure = false }: BatchOptions,
): Promise<Batch> {
  const batch = emptyBatch();
  for (let index = 0; index < count; index++) {
    merge(batch, await historyOf(subject, seed + index * stride, mutation));
    if (untilFailure && batch.failures.length > 0) break;
  }
  return batch;
}

/** Adds `other` to `batch`. */
export function merge(batch: Batch, other: Batch): void {
  for (const field of ['histories', 'events', 'virtualTime'] as const) batch[field] += other[field];
  for (const [name, count] of Object.entries(other.counts))
    batch.counts[name] = (batch.counts[name] ?? 0) + count;
  for (const kind of FAULT_KINDS) batch.faults[kind] += other.faults[kind];
  batch.failures.push(...other.failures);
}

async function historyOf(subject: Subject, seed: number, mutation: number | undefined): Promise<Batch> {
  const { violations, counts, events, virtualTime, faults } = await subject.run(subject.scenarioOf(seed), {
    mutation,
  });
  const batch = emptyBatch();
  for (const kind of FAULT_KINDS) batch.faults[kind] = faults.get(kind) ?? 0;
  const [first] = violations;
  if (first) batch.failures.push({ seed, property: first.property, what: first.what });
  return { ...batch, histories: 1, counts: { ...counts }, events, virtualTime };
}
