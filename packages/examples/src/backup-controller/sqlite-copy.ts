/** Copies a live SQLite database by SQLite's own online backup, not as a file: the copy is of one moment. */
import { backup, DatabaseSync } from 'node:sqlite';
import { BackupFailure, during } from './failure.js';

/** 4 MB of the usual 4 kB pages: few enough to stop soon, many enough to be quick. */
const PAGES_PER_STEP = 1024;

/** How long SQLite may block the event loop for a lock that is just being given back, in milliseconds. */
const LOCK_PATIENCE = 100;

/**
 * Copies the database at `source` to the new file `target`.
 *
 * Writers of the source go on undisturbed if it is in WAL mode; in the rollback modes they wait for the copy.
 *
 * @param signal asked between steps of some megabytes; its reason is thrown
 * @throws {@link BackupFailure} `SourceBusy`, `SourceNotDatabase`, `SourceUnreadable`, ...; SQLite's own errors for the target
 */
export async function copyDatabase(source: string, target: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const snapshot = await during({ source }, () => openSnapshot(source));
  try {
    // What `progress` throws ends the copy, closes the target, and comes out here.
    await backup(snapshot, target, { rate: PAGES_PER_STEP, progress: () => signal.throwIfAborted() });
  } finally {
    snapshot.close();
  }
}

/**
 * The source inside a read transaction. Without one, each write of another process would make the copy start over, and
 * beside a busy writer it would never end.
 */
function openSnapshot(source: string): DatabaseSync {
  const database = new DatabaseSync(source, { readOnly: true, timeout: LOCK_PATIENCE });
  try {
    assertSamePath(database, source);
    database.exec('BEGIN');
    assertNotEmpty(database, source);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite resolves symbolic links when it opens: one that has been put in the way since shows here. */
function assertSamePath(database: DatabaseSync, source: string): void {
  if (database.location() === source) return;
  throw new BackupFailure('SourceOutsideRoots', `${source} has become a symbolic link: remove the link.`);
}

/** Reads the first page, which also begins the read transaction and tells a database from another file. */
function assertNotEmpty(database: DatabaseSync, source: string): void {
  if (database.prepare('PRAGMA page_count').get()?.['page_count'] !== 0) return;
  throw new BackupFailure('SourceNotDatabase', `${source} is empty: start the program that fills it.`);
}
