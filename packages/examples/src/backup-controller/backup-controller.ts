/** Keeps the archives of each Backup as its spec wants them. */
import { isDeepStrictEqual } from 'node:util';
import {
  Controller,
  Finalizer,
  type ReconcileContext,
  type ReconcileResult,
  type Reconciler,
  requeueAfter,
} from '@incumbent/core';
import { inject } from 'inversify';
import { type ArchiveOwner } from './archive-name.js';
import { pruneArchives, removeArchives } from './archives.js';
import { Backup, type BackupStatus, type ReadonlyBackup } from './backup.js';
import { failed, recorded, suspended, waiting } from './backup-status.js';
import { BackupFailure } from './failure.js';
import { type Plan, plan } from './plan.js';
import { type Roots, prepareDestination, resolveDestination, resolveSource } from './roots.js';
import { parseSchedule } from './schedule.js';
import { makeArchive } from './sqlite-backup.js';

/** Injection token of the {@link Roots}. */
export const ROOTS = Symbol.for('backup-controller/roots');

@Controller({ for: Backup, concurrency: 4 })
export class BackupController implements Reconciler<Backup> {
  readonly #roots: Roots;

  constructor(@inject(ROOTS) roots: Roots) {
    this.#roots = roots;
  }

  async reconcile(backup: ReadonlyBackup, context: ReconcileContext): Promise<ReconcileResult> {
    try {
      return await this.#carryOut(planFor(backup, context), backup, context);
    } catch (error) {
      if (!(error instanceof BackupFailure)) throw error;
      return await this.#fail(error, backup, context);
    }
  }

  /** Runs while the Backup is being deleted; it is gone when this returns. */
  @Finalizer('backup.incumbent.dev/archives')
  async cleanup(backup: ReadonlyBackup, { term, log }: ReconcileContext): Promise<ReconcileResult> {
    if (backup.spec.deletionPolicy === 'Retain') return;
    term.assertHeld();
    const removed = await removeArchives(await this.#directoryOf(backup), ownerOf(backup));
    log.info({ removed: removed.length }, `Removed ${removed.length} archives, as spec.deletionPolicy asks.`);
  }

  async #carryOut(plan: Plan, backup: ReadonlyBackup, context: ReconcileContext): Promise<ReconcileResult> {
    const now = context.clock.wall();
    switch (plan.kind) {
      case 'suspended':
        return await report(backup, suspended(backup, now), context);
      case 'wait':
        await report(backup, waiting(backup, plan.until, now), context);
        return requeueAfter(Math.max(plan.until.getTime() - now.getTime(), 0));
      case 'run':
        return await this.#run(plan, backup, context);
    }
  }

  /**
   * Makes the archive, then records the tick. Only the recording counts: it names the version of the Backup that was looked at,
   * so of two runs of one tick, whatever fails over in between, one gets a conflict.
   */
  async #run(
    { tick, coalesced }: Extract<Plan, { kind: 'run' }>,
    backup: ReadonlyBackup,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { term, signal, clock, log, events } = context;
    const owner = ownerOf(backup);
    const source = await resolveSource(backup.spec.source.sqlite.path, this.#roots);
    const directory = await prepareDestination(backup.spec.destination.directory, this.#roots);
    const archive = await makeArchive({
      source,
      directory,
      owner,
      label: { tick, term },
      signal,
      assertHeld: () => term.assertHeld(),
    });
    const now = clock.wall();
    const next = scheduleOf(backup).next(tick);
    await report(
      backup,
      recorded(backup, { tick, coalesced, archive, term: term.number }, next, now),
      context,
    );
    log.info({ archive: archive.path, bytes: archive.bytes, coalesced, term: term.number }, 'Backed up.');
    events.normal('BackedUp', `${archive.path}, ${archive.bytes} bytes.`);
    term.assertHeld();
    await pruneArchives(directory, owner, backup.spec.keep);
    return requeueAfter(Math.max(next.getTime() - now.getTime(), 0));
  }

  /** A failure is the Backup's, not the controller's: it is shown where its owner looks, and others go on. */
  async #fail(
    failure: BackupFailure,
    backup: ReadonlyBackup,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    context.log.warn({ reason: failure.reason }, failure.message);
    context.events.warning(failure.reason, failure.message);
    await report(backup, failed(backup, failure, context.clock.wall()), context);
    return requeueAfter(failure.needsEdit ? '10m' : '10s');
  }

  /** Where archives may be; outside the roots there are none of ours. */
  async #directoryOf(backup: ReadonlyBackup): Promise<string> {
    return await resolveDestination(backup.spec.destination.directory, this.#roots);
  }
}

function planFor(backup: ReadonlyBackup, { clock }: ReconcileContext): Plan {
  const { lastTick } = backup.status ?? {};
  return plan({
    schedule: scheduleOf(backup),
    suspend: backup.spec.suspend,
    created: new Date(backup.metadata.creationTimestamp),
    lastTick: lastTick === undefined ? undefined : new Date(lastTick),
    now: clock.wall(),
  });
}

function scheduleOf({ spec, metadata }: ReadonlyBackup) {
  return parseSchedule(spec.schedule, new Date(metadata.creationTimestamp));
}

function ownerOf({ metadata }: ReadonlyBackup): ArchiveOwner {
  return { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid };
}

/** Writes the status if it differs, onto the very version that was looked at. */
async function report(
  backup: ReadonlyBackup,
  status: BackupStatus,
  { client }: ReconcileContext,
): Promise<void> {
  if (!isDeepStrictEqual(status, backup.status)) await client.updateStatus(Backup, { ...backup, status });
}
