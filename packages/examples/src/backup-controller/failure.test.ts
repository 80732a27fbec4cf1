import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from '@jest/globals';
import { BackupFailure, during, toFailure } from './failure.js';

const at = { source: { source: '/data/app.db' }, destination: { destination: '/backups' } };
const system = (code: string): Error =>
  Object.assign(new Error(`${code}: test`), { code, errno: -1, syscall: 'write' });
const sqlite = (errcode: number): Error =>
  Object.assign(new Error('test'), { code: 'ERR_SQLITE_ERROR', errcode });

test.each([
  ['source', system('ENOENT'), 'SourceMissing'],
  ['source', system('EACCES'), 'SourceUnreadable'],
  ['source', sqlite(14), 'SourceUnreadable'],
  ['source', sqlite(776), 'SourceUnreadable'], // SQLITE_READONLY_ROLLBACK
  ['source', sqlite(26), 'SourceNotDatabase'],
  ['source', sqlite(5), 'SourceBusy'],
  ['source', sqlite(261), 'SourceBusy'], // SQLITE_BUSY_RECOVERY
  ['source', sqlite(267), 'Corrupt'], // SQLITE_CORRUPT_VTAB
  ['destination', system('ENOSPC'), 'DestinationFull'],
  ['destination', system('EDQUOT'), 'DestinationFull'],
  ['destination', sqlite(13), 'DestinationFull'],
  ['destination', system('EROFS'), 'DestinationReadOnly'],
  ['destination', system('EACCES'), 'DestinationReadOnly'],
  ['destination', sqlite(8), 'DestinationReadOnly'],
  ['destination', system('ENOENT'), 'DestinationMissing'],
  ['destination', system('EEXIST'), 'DestinationNotDirectory'],
  ['destination', sqlite(11), 'Corrupt'],
  ['destination', system('EIO'), 'BackupFailed'],
  ['destination', sqlite(10), 'BackupFailed'],
  ['destination', 'a string', 'BackupFailed'],
  ['source', undefined, 'BackupFailed'],
] as const)('at the %s, %s means %3$s', (end, error, reason) => {
  const failure = toFailure(error, at[end]);
  expect(failure.reason).toBe(reason);
  expect(failure.cause).toBe(error);
  expect(failure.message).toMatch(end === 'source' ? /^\/data\/app\.db \w/ : /^\/backups \w/);
});

test('errors that Node and SQLite really make are understood, in any realm', async () => {
  const missing = await readFile('/nowhere/at/all').catch((error: unknown) => error);
  expect(toFailure(missing, at.source).reason).toBe('SourceMissing');

  using database = new DatabaseSync(':memory:');
  database.exec('PRAGMA max_page_count = 1');
  const full = during(at.destination, () => database.exec('CREATE TABLE t (a)'));
  await expect(full).rejects.toMatchObject({ reason: 'DestinationFull' });
});

test('an abort, a lost term and a failure of our own pass as they are', async () => {
  const lost = Object.assign(new Error('the term is over'), { code: 'TERM_LOST' });
  const invalid = new BackupFailure('ScheduleInvalid', 'no schedule');
  for (const error of [AbortSignal.abort().reason, lost, invalid, new TypeError('a bug')]) {
    await expect(during(at.source, () => Promise.reject(error as Error))).rejects.toBe(error);
  }
});
