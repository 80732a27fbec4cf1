import type { FaultKind } from './fault.js';
import { FAULT_KINDS } from './fault.js';
import { runHistory } from './history.js';
import type { Mutation } from './mutation.js';
import type { Property } from './referee.js';
import { scenarioOf } from './scenario.js';

export interface BatchOptions {
  /** Seed of the first history. */
  readonly seed: number;
  readonly count: number;
  /** From one seed to the next: batches that run side by side interleave. @defaultValue 1 */
  readonly stride?: number;
  readonly mutation?: Mutation;
  /** Ends with the first history that fails. @defaultValue false */
  readonly untilFailure?: boolean;
}

/** A history that broke a promise, by its first breach. */
export interface Failure {
  readonly seed: number;
  readonly property: Property;
  readonly what: string;
}

/** What a number of histories came to. Plain data: it passes between threads. */
export interface Batch {
  histories: number;
  handovers: number;
  writes: number;
  events: number;
  /** Milliseconds. */
  virtualTime: number;
  readonly faults: Record<FaultKind, number>;
  readonly failures: Failure[];
}

export function emptyBatch(): Batch {
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  return { histories: 0, handovers: 0, writes: 0, events: 0, virtualTime: 0, faults, failures: [] };
}

export async function runBatch({
  seed,
  count,
  stride = 1,
  mutation,
  untilFailure = false,
}: BatchOptions): Promise<Batch> {
  const batch = emptyBatch();
  for (let index = 0; index < count; index++) {
    await addHistory(batch, seed + index * stride, mutation);
    if (untilFailure && batch.failures.length > 0) break;
  }
  return batch;
}

/** Adds `other` to `batch`. */
export function merge(batch: Batch, other: Batch): void {
  for (const field of ['histories', 'handovers', 'writes', 'events', 'virtualTime'] as const)
    batch[field] += other[field];
  for (const kind of FAULT_KINDS) batch.faults[kind] += other.faults[kind];
  batch.failures.push(...other.failures);
}

async function addHistory(batch: Batch, seed: number, mutation: Mutation | undefined): Promise<void> {
  const result = await runHistory(scenarioOf(seed), { mutate: mutation?.hooks });
  const faults = { ...batch.faults };
  for (const kind of FAULT_KINDS) faults[kind] = result.faults.get(kind) ?? 0;
  const [first] = result.violations;
  merge(batch, {
    histories: 1,
    handovers: result.handovers,
    writes: result.writes,
    events: result.events,
    virtualTime: result.virtualTime,
    faults,
    failures: first ? [{ seed, property: first.property, what: first.what }] : [],
  });
}
