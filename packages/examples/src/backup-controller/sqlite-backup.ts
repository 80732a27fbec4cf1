/** Makes one archive of a live SQLite database: copied by SQLite, checked, measured, and published in one step. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { formatArchiveName, type ArchiveLabel, type ArchiveOwner } from './archive-name.js';
import { BackupFailure, during } from './failure.js';
import { findDamage } from './integrity.js';
import { publish } from './publish.js';
import { copyDatabase } from './sqlite-copy.js';
import { inWorkspace, sweepWorkspaces } from './workspace.js';

export interface BackupJob {
  /** From `resolveSource`. */
  readonly source: string;

  /** From `prepareDestination`. */
  readonly directory: string;

  readonly owner: ArchiveOwner;
  readonly label: ArchiveLabel;

  /** Stops the work between two of its steps; its reason is thrown. */
  readonly signal: AbortSignal;

  /** Throws if the term is over. Called right before the archive appears under its name. */
  readonly assertHeld: () => void;
}

export interface Archive {
  readonly path: string;
  readonly bytes: number;

  /** Hexadecimal. */
  readonly sha256: string;
}

/** The steps that tests replace to bring on bad luck. */
export interface BackupSteps {
  readonly copyDatabase: typeof copyDatabase;
  readonly findDamage: typeof findDamage;
}

const STEPS: BackupSteps = { copyDatabase, findDamage };

/**
 * Makes the archive and says where it lies. No failure leaves anything behind, and no archive is ever overwritten.
 *
 * One that has this very name already was finished by an earlier try of the same run, which then could not record it:
 * it is returned as it is.
 *
 * @throws {@link BackupFailure}; what `assertHeld` throws; the reason of `signal`
 */
export async function makeArchive(job: BackupJob, steps: BackupSteps = STEPS): Promise<Archive> {
  const file = formatArchiveName(job.owner, job.label);
  const path = join(job.directory, file);
  return await during({ destination: job.directory }, async () => {
    job.signal.throwIfAborted();
    await sweepWorkspaces(job.directory, job.owner, job.label.term.token);
    if (await isFile(path)) return { path, ...(await measure(path, job.signal)) };
    return await inWorkspace(job.directory, file, async (workspace) => {
      return await produce(job, join(workspace, 'database.sqlite'), path, steps);
    });
  });
}

async function produce(job: BackupJob, draft: string, path: string, steps: BackupSteps): Promise<Archive> {
  const { source, signal } = job;
  await steps.copyDatabase(source, draft, signal);
  assertSound(await steps.findDamage(draft, signal), source);
  const size = await measure(draft, signal);
  signal.throwIfAborted();
  await publish(draft, path, job.assertHeld);
  return { path, ...size };
}

function assertSound([damage]: readonly string[], source: string): void {
  if (damage === undefined) return;
  throw new BackupFailure(
    'Corrupt',
    `The copy of ${source} is damaged (${damage}): run "PRAGMA integrity_check" on the database itself.`,
  );
}

/** Size and checksum of a file that is safe on the disk, and private, when this returns. */
async function measure(path: string, signal: AbortSignal): Promise<Omit<Archive, 'path'>> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  await handle.chmod(0o600);
  await handle.sync();
  return await digest(handle, signal);
}

async function digest(handle: FileHandle, signal: AbortSignal): Promise<Omit<Archive, 'path'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
    signal.throwIfAborted();
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function isFile(path: string): Promise<boolean> {
  return await lstat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
