/** What a Backup's status says after each outcome: pure functions from the old status to the new one. */
import { setCondition } from '@incumbent/core';
import type { Archive } from './sqlite-backup.js';
import type { BackupStatus, ReadonlyBackup } from './backup.js';
import type { BackupFailure } from './failure.js';

export interface Run {
  readonly tick: Date;
  readonly coalesced: number;
  readonly archive: Archive;
  readonly term: number;
}

export function recorded(
  { status = {}, metadata }: ReadonlyBackup,
  { tick, coalesced, archive, term }: Run,
  nextRun: Date,
  now: Date,
): BackupStatus {
  const { path, bytes, sha256 } = archive;
  return {
    ...status,
    ...ready(status, metadata.generation, 'BackedUp', `${path} holds the backup of ${iso(tick)}.`, now),
    lastTick: iso(tick),
    lastArchive: { path, bytes, sha256, tick: iso(tick), term },
    nextRun: iso(nextRun),
    succeeded: (status.succeeded ?? 0) + 1,
    coalesced: (status.coalesced ?? 0) + coalesced,
  };
}

export function waiting({ status = {}, metadata }: ReadonlyBackup, nextRun: Date, now: Date): BackupStatus {
  const message = status.lastArchive
    ? `${status.lastArchive.path} holds the backup of ${status.lastArchive.tick}.`
    : 'The first backup has not been due yet.';
  return {
    ...status,
    ...ready(status, metadata.generation, status.lastArchive ? 'BackedUp' : 'Waiting', message, now),
    nextRun: iso(nextRun),
  };
}

export function suspended({ status = {}, metadata }: ReadonlyBackup, now: Date): BackupStatus {
  const { nextRun: _, ...rest } = status;
  return {
    ...rest,
    ...ready(
      status,
      metadata.generation,
      'Suspended',
      'No backups are made while spec.suspend is true.',
      now,
    ),
  };
}

export function failed(
  { status = {}, metadata }: ReadonlyBackup,
  { reason, message }: BackupFailure,
  now: Date,
): BackupStatus {
  return { ...status, ...readiness(status, 'False', metadata.generation, reason, message, now) };
}

type Readiness = Pick<BackupStatus, 'conditions' | 'observedGeneration'>;

function ready(
  status: BackupStatus,
  generation: number | undefined,
  reason: string,
  message: string,
  now: Date,
): Readiness {
  return readiness(status, 'True', generation, reason, message, now);
}

function readiness(
  { conditions }: BackupStatus,
  status: 'True' | 'False',
  generation: number | undefined,
  reason: string,
  message: string,
  now: Date,
): Readiness {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return {
    ...observed,
    conditions: setCondition(conditions, { type: 'Ready', status, reason, message, ...observed }, now),
  };
}

/** `metav1.Time`: whole seconds. */
function iso(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
