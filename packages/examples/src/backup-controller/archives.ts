/** The archives of one Backup in its directory. Other files there are never touched, whatever their names. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  newestFirst,
  ownerPart,
  parseArchiveName,
  type ArchiveOwner,
  type ParsedArchive,
} from './archive-name.js';
import { during } from './failure.js';
import { entriesOf, sweepWorkspaces } from './workspace.js';

export interface StoredArchive extends ParsedArchive {
  readonly path: string;
}

/**
 * The newest first: by tick, then by term.
 *
 * @param directory from `prepareDestination` or `resolveDestination`; one that is missing holds no archives
 */
export async function listArchives(directory: string, owner: ArchiveOwner): Promise<StoredArchive[]> {
  const ours = ownerPart(owner);
  const entries = await during({ destination: directory }, () => entriesOf(directory));
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => ({ path: join(directory, entry.name), parsed: parseArchiveName(entry.name) }))
    .flatMap(({ path, parsed }) => (parsed?.owner === ours ? [{ ...parsed, path }] : []))
    .sort(newestFirst);
}

/** Removes all but the newest `keep`, and returns the paths that are gone. */
export async function pruneArchives(directory: string, owner: ArchiveOwner, keep: number): Promise<string[]> {
  if (!Number.isInteger(keep) || keep < 1)
    throw new RangeError(`keep must be a whole number from 1, not ${keep}.`);
  const archives = await listArchives(directory, owner);
  return await removeFiles(directory, archives.slice(keep));
}

/** For a Backup that is being deleted: removes all its archives, and returns the paths that are gone. */
export async function removeArchives(directory: string, owner: ArchiveOwner): Promise<string[]> {
  await during({ destination: directory }, () => sweepWorkspaces(directory, owner));
  return await removeFiles(directory, await listArchives(directory, owner));
}

/** The oldest first, so that what an interruption leaves is the newest. */
async function removeFiles(directory: string, archives: readonly StoredArchive[]): Promise<string[]> {
  const paths = archives.map(({ path }) => path).toReversed();
  for (const path of paths) await during({ destination: directory }, () => rm(path, { force: true }));
  return paths;
}
