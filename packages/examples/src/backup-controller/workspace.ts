/**
 * A directory of its own for each archive that is being made, beside the archives: `.<archive name>.tmp`.
 *
 * A directory, because SQLite puts journals beside its file: whatever a dead process leaves is inside, and nobody but
 * the operator's user can reach in.
 */
import type { Dirent } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compareTokens, ownerPart, parseArchiveName, type ArchiveOwner } from './archive-name.js';
import { causeCode } from './failure.js';

const WORKSPACE = /^\.(.+)\.tmp$/;

/** Runs `work` in a new workspace and removes it, whatever comes of the work. */
export async function inWorkspace<T>(
  directory: string,
  archive: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, `.${archive}.tmp`);
  await mkdir(path, { mode: 0o700 });
  try {
    return await work(path);
  } finally {
    // If even this fails, the next run sweeps; the error of the work is the one to report.
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * Removes the workspaces that earlier runs for `owner` left because their process died.
 *
 * Process ids say nothing across pods; terms do. One process has a term, and one run at a time is made for a Backup: so
 * what bears this token or a lower one is dead. If its process was only paused, it finds nothing left to publish.
 *
 * @param token of the term that calls; without it, all are removed
 */
export async function sweepWorkspaces(directory: string, owner: ArchiveOwner, token?: string): Promise<void> {
  const ours = ownerPart(owner);
  for (const entry of await entriesOf(directory)) {
    const archive = parseArchiveName(WORKSPACE.exec(entry.name)?.[1] ?? '');
    if (archive?.owner !== ours) continue;
    if (token !== undefined && compareTokens(archive.term.token, token) > 0) continue;
    await rm(join(directory, entry.name), { recursive: true, force: true });
  }
}

/** What lies in `directory`; nothing if it is missing. */
export async function entriesOf(directory: string): Promise<Dirent[]> {
  return await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (causeCode(error) === 'ENOENT') return [];
    throw error;
  });
}
