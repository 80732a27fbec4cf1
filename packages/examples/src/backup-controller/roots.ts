/** Keeps Backups inside the directories that the operator was given: they can't reach the pod's other files. */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { BackupFailure, during, type FailureReason } from './failure.js';

/** The directories under which sources may be read and archives written, as absolute paths. */
export interface Roots {
  readonly source: readonly string[];
  readonly destination: readonly string[];
}

/**
 * The real path of the database file at `path`, all symbolic links resolved. Use it, not `path`, from here on.
 *
 * Not covered: somebody who may rename directories under a root while the operator runs, and hard links. SQLite opens
 * files by their path only; the backup compares the path that SQLite has opened with this one before it reads a page.
 * The file is only looked at, never opened: closing it would drop the locks that SQLite holds on it in this process.
 *
 * @throws {@link BackupFailure} `SourceOutsideRoots`, `SourceMissing`, `SourceNotDatabase`, `SourceUnreadable`
 */
export async function resolveSource(path: string, roots: Roots): Promise<string> {
  const real = await resolveUnder(roots.source, path, 'source');
  const found = await during({ source: path }, () => lstat(real));
  if (found.isFile()) return real;
  throw new BackupFailure(
    'SourceNotDatabase',
    `${path} is not a file: spec.source.sqlite.path must name the database file itself.`,
  );
}

/**
 * The real path of the directory at `path`, all symbolic links resolved, whether it exists or not.
 *
 * @throws {@link BackupFailure} `DestinationOutsideRoots`
 */
export async function resolveDestination(path: string, roots: Roots): Promise<string> {
  return await resolveUnder(roots.destination, path, 'destination');
}

/**
 * The same, made if it is missing.
 *
 * @throws {@link BackupFailure} `DestinationOutsideRoots`, `DestinationReadOnly`, `DestinationNotDirectory`, ...
 */
export async function prepareDestination(path: string, roots: Roots): Promise<string> {
  const planned = await resolveDestination(path, roots);
  await during({ destination: path }, () => mkdir(planned, { recursive: true }));
  // Looked at again: a link that was put in the way meanwhile would have been followed.
  return await resolveDestination(planned, roots);
}

type End = keyof Roots;

const OUTSIDE: Record<End, FailureReason> = {
  source: 'SourceOutsideRoots',
  destination: 'DestinationOutsideRoots',
};

const FIELD: Record<End, string> = {
  source: 'spec.source.sqlite.path',
  destination: 'spec.destination.directory',
};

/** Says nothing about paths outside the roots, not even whether they exist. */
async function resolveUnder(roots: readonly string[], path: string, end: End): Promise<string> {
  if (!isAbsolute(path) || path.includes('\0'))
    throw outside(end, roots, `"${path}" is not an absolute path`);
  const real = await realPrefix(join(path));
  const realRoots = await Promise.all(roots.map((root) => realPrefix(join(root))));
  if (real !== undefined && realRoots.some((root) => root !== undefined && contains(root, real))) return real;
  throw outside(
    end,
    roots,
    `${path} leads outside the directories that the operator may use, or through a broken link`,
  );
}

function contains(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/** `path` with the links of its longest existing part resolved; undefined if one of them leads nowhere. */
async function realPrefix(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    if (await exists(path)) return undefined;
    const parent = await realPrefix(dirname(path));
    return parent === undefined ? undefined : join(parent, basename(path));
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

function outside(end: End, roots: readonly string[], problem: string): BackupFailure {
  const advice =
    roots.length > 0
      ? `${FIELD[end]} must be an absolute path under ${roots.join(' or ')}, symbolic links resolved.`
      : `the operator was started without a ${end} root: give it one.`;
  return new BackupFailure(OUTSIDE[end], `${problem}: ${advice}`);
}
