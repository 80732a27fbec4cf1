import { type Clock } from '@incumbent/core/client';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import type { Observation } from './decide.js';
import type { ElectionMetrics } from './metrics.js';
import type { OwnRecords } from './own-records.js';

export interface TenureParts {
  readonly clock: Clock;
  readonly metrics: Pick<ElectionMetrics, 'transition' | 'leaderless'>;
  readonly own: OwnRecords;
  /** Milliseconds: own lease duration, for records that have none. */
  readonly leaseDuration: number;
}

/** Who leads, as this replica sees it: counts the changes, and the time in which nobody does. */
export class Tenure {
  readonly #parts: TenureParts;
  #leader: string | undefined;
  #known = false;
  /** From when on nobody leads under what was last seen, on the monotonic clock. */
  #vacantFrom = Number.POSITIVE_INFINITY;
  #countedUntil = 0;

  constructor(parts: TenureParts) {
    this.#parts = parts;
  }

  /** To be told of every change, and now and then in between. */
  look(observation: Observation, leading: boolean): void {
    this.#countVacancy();
    this.#vacantFrom = leading ? Number.POSITIVE_INFINITY : this.#vacancyUnder(observation);
    this.#countTransition(observation);
  }

  #countVacancy(): void {
    const now = this.#parts.clock.monotonic();
    const vacant = now - Math.max(this.#vacantFrom, this.#countedUntil);
    if (vacant > 0) this.#parts.metrics.leaderless(vacant);
    this.#countedUntil = now;
  }

  #vacancyUnder(observation: Observation): number {
    if (observation.kind === 'unknown') return Number.POSITIVE_INFINITY;
    if (observation.kind === 'absent') return Number.NEGATIVE_INFINITY;
    const { holder, duration } = recordOf(observation.lease);
    if (!holder || this.#parts.own.has(fingerprintOf(observation.lease))) return Number.NEGATIVE_INFINITY;
    return observation.since + (duration ?? this.#parts.leaseDuration);
  }

  #countTransition(observation: Observation): void {
    if (observation.kind === 'unknown') return;
    const leader = observation.kind === 'present' ? leaderOf(observation.lease) : undefined;
    if (leader !== undefined && leader !== this.#leader && this.#known) this.#parts.metrics.transition();
    this.#leader = leader ?? this.#leader;
    this.#known = true;
  }
}

/** Tells one term from another, whoever holds it. */
function leaderOf(lease: Parameters<typeof recordOf>[0]): string | undefined {
  const { holder, transitions } = recordOf(lease);
  return holder ? `${lease.metadata.uid} ${transitions} ${holder}` : undefined;
}
