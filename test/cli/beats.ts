/** What beacons wrote down, and what that says about who ran when. */
import { readFileSync } from 'node:fs';

export interface Beat {
  readonly what: 'start' | 'beat' | 'asked' | 'end';
  /** Milliseconds of the machine's monotonic clock. */
  readonly at: number;
  readonly id: string;
  readonly term: string;
  readonly token: string;
  readonly pid: number;
}

/** One run of a beacon. */
export interface Run {
  readonly id: string;
  readonly term: number;
  readonly token: bigint;
  readonly pid: number;
  readonly first: number;
  readonly last: number;
  readonly beats: readonly Beat[];
}

/** In the order in which they began. */
export function runsIn(file: string): readonly Run[] {
  const runs = new Map<number, Beat[]>();
  for (const beat of beatsIn(file)) runs.set(beat.pid, [...(runs.get(beat.pid) ?? []), beat]);
  return [...runs.values()]
    .map((beats) => {
      const first = beats[0] as Beat;
      const last = beats.at(-1) as Beat;
      const { id, pid, token } = first;
      return {
        id,
        pid,
        term: Number(first.term),
        token: BigInt(token),
        first: first.at,
        last: last.at,
        beats,
      };
    })
    .toSorted((a, b) => a.first - b.first);
}

/** Pairs of runs that were not one after the other, or whose terms and tokens do not rise. Empty is what a lease promises. */
export function overlaps(runs: readonly Run[]): readonly string[] {
  return runs.flatMap((run, index) => {
    const before = runs[index - 1];
    if (!before || (before.last < run.first && before.token < run.token)) return [];
    return [
      `${run.id} began term ${run.term} at ${run.first}, ${before.id} ran term ${before.term} until ${before.last}`,
    ];
  });
}

function beatsIn(file: string): readonly Beat[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Beat);
}
