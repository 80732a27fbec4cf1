/** Keeps account of the backups: what was recorded, what was due, and what is on the disk. */
import type { ReadonlyBackup } from '../backup.js';
import { parseSchedule } from '../schedule.js';

export interface BackupCounts {
  readonly succeeded: number;
  /** Failures that a status told of. */
  readonly failed: number;
  /** Ticks that were due and are in no record. */
  readonly missed: number;
  readonly coalesced: number;
  /** Ticks that were recorded more than once. */
  readonly duplicated: number;
}

/** One Backup's history, as its versions went by. */
export class Ledger {
  #latest: ReadonlyBackup | undefined;
  #failed = 0;
  #duplicated = 0;

  get latest(): ReadonlyBackup | undefined {
    return this.#latest;
  }

  /** Takes the next version. Returns whether it recorded a run. */
  observe(backup: ReadonlyBackup): boolean {
    const before = this.#latest?.status;
    const after = backup.status;
    this.#latest = backup;
    if (isFailed(backup) && reasonOf(before) !== reasonOf(after)) this.#failed += 1;
    const ran = (after?.succeeded ?? 0) > (before?.succeeded ?? 0);
    if (ran && before?.lastTick !== undefined && (after?.lastTick ?? '') <= before.lastTick)
      this.#duplicated += 1;
    return ran;
  }

  /** Counts against the ticks that were due until `until`. */
  counts(until: Date): BackupCounts {
    const { succeeded = 0, coalesced = 0 } = this.#latest?.status ?? {};
    return {
      succeeded,
      coalesced,
      failed: this.#failed,
      duplicated: this.#duplicated,
      missed: Math.max(this.due(until) - succeeded - coalesced, 0),
    };
  }

  /** Ticks from the Backup's creation up to `until`, or to the last recorded one if that is later. */
  due(until: Date): number {
    if (!this.#latest) return 0;
    const { spec, metadata, status } = this.#latest;
    const created = new Date(metadata.creationTimestamp);
    const last =
      status?.lastTick === undefined
        ? until
        : new Date(Math.max(Date.parse(status.lastTick), until.getTime()));
    return parseSchedule(spec.schedule, created).ticks(created, last).count;
  }
}

export function total(counts: readonly BackupCounts[]): BackupCounts {
  const sum = (field: keyof BackupCounts) => counts.reduce((all, each) => all + each[field], 0);
  return {
    succeeded: sum('succeeded'),
    failed: sum('failed'),
    missed: sum('missed'),
    coalesced: sum('coalesced'),
    duplicated: sum('duplicated'),
  };
}

function isFailed(backup: ReadonlyBackup): boolean {
  return (
    backup.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False') ?? false
  );
}

function reasonOf(status: ReadonlyBackup['status']): string | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}
