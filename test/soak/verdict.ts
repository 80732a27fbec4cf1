/** What a soak has shown, from the measurements of its cycles. */
import type { Measurement } from './replica.js';

export interface Cycle {
  /** Since the start. */
  readonly seconds: number;
  readonly changes: number;
  /** What happened, in order. */
  readonly disturbances: readonly string[];
  /** Seconds of calm until all was as it should be. */
  readonly calm: number;
  /** Objects that were not as they should be when time was up. */
  readonly missed: readonly string[];
  readonly replicas: readonly Measurement[];
}

export interface Soak {
  readonly cycles: readonly Cycle[];
  /** Of each replica, after it had stopped. */
  readonly leftovers: readonly (readonly string[])[];
}

/** Share by which the heap may grow after warm-up. */
const FLAT = 0.1;
/** Share of the cycles that caches, pools and compilers get to reach their size. */
const WARM_UP = 0.25;

/** How much the heap of a replica grew: from the first third of the cycles after warm-up to the last, medians. */
export function growth(heaps: readonly number[]): number {
  const warm = heaps.slice(Math.ceil(heaps.length * WARM_UP));
  const third = Math.max(Math.floor(warm.length / 3), 1);
  return median(warm.slice(-third)) / median(warm.slice(0, third)) - 1;
}

/** In sentences; none when all is well. */
export function problemsOf({ cycles, leftovers }: Soak): string[] {
  const replicas = cycles[0]?.replicas ?? [];
  const missed = cycles.flatMap((cycle) => cycle.missed);
  return [
    ...(replicas.length === 0 ? ['Nothing was measured.'] : []),
    ...(missed.length > 0 ? [`${missed.length} keys were missed: ${missed.slice(0, 5).join(', ')}`] : []),
    ...replicas.flatMap((_, index) => problemsOfReplica(index, cycles)),
    ...leftovers.flatMap((left, index) =>
      left.length > 0 ? [`Replica ${index} has left behind: ${left.join(', ')}.`] : [],
    ),
  ];
}

function problemsOfReplica(index: number, cycles: readonly Cycle[]): string[] {
  const all = cycles.flatMap(({ replicas }) => replicas[index] ?? []);
  const grown = growth(all.map(({ heap }) => heap));
  const listeners = all.map(({ stopListeners }) => stopListeners);
  const [first = 0] = listeners;
  const warnings = all.at(-1)?.warnings ?? [];
  return [
    ...(grown > FLAT ? [`The heap of replica ${index} grew by ${(grown * 100).toFixed(0)} %.`] : []),
    ...(Math.max(...listeners) > first + 10
      ? [
          `Replica ${index} listens to its stop signal ${Math.max(...listeners)} times, at first ${first} times.`,
        ]
      : []),
    ...warnings.map((warning) => `Replica ${index} was warned: ${warning}`),
  ];
}

function median(sample: readonly number[]): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
