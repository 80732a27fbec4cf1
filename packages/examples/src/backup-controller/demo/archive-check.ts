/** Looks at the archives on the disk, independently of what any status says of them. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArchiveName } from '../archive-name.js';
import { findDamage } from '../integrity.js';

export interface CheckedArchive {
  readonly path: string;
  readonly term: number;
  readonly sha256: string;
  /** SQLite finds nothing wrong with it. */
  readonly intact: boolean;
}

/** All archives below `root`. */
export async function checkArchives(root: string): Promise<CheckedArchive[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const archives: CheckedArchive[] = [];
  for (const entry of entries
    .filter((each) => each.isFile())
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const parsed = parseArchiveName(entry.name);
    if (parsed) archives.push(await check(join(entry.parentPath, entry.name), parsed.term.number));
  }
  return archives;
}

async function check(path: string, term: number): Promise<CheckedArchive> {
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const damage = await findDamage(path, new AbortController().signal);
  return { path, term, sha256, intact: damage.length === 0 };
}
