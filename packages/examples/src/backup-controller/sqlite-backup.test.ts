import { createHash } from 'node:crypto';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatArchiveName } from './archive-name.js';
import type { FailureReason } from './failure.js';
import { findDamage } from './integrity.js';
import { makeArchive, type BackupJob, type BackupSteps } from './sqlite-backup.js';
import { copyDatabase } from './sqlite-copy.js';

const owner = { namespace: 'default', name: 'orders', uid: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed' };
const label = { tick: new Date('2026-11-23T19:05:00Z'), term: { number: 3, token: '1234' } };
const file = formatArchiveName(owner, label);

let base: string;
let source: string;
let directory: string;
let writer: DatabaseSync;

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'backup-')));
  source = join(base, 'app.db');
  directory = join(base, 'backups');
  await mkdir(directory);
  writer = new DatabaseSync(source);
  writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE a (n); CREATE TABLE b (n, text)');
});

afterEach(async () => {
  if (writer.isOpen) writer.close();
  await rm(base, { recursive: true });
});

function job(more: Partial<BackupJob> = {}): BackupJob {
  return { source, directory, owner, label, signal: new AbortController().signal, assertHeld() {}, ...more };
}

const steps = (more: Partial<BackupSteps>): BackupSteps => ({ copyDatabase, findDamage, ...more });

/** Enough for several steps of the copy: about 12 MB. */
function fill(): void {
  writer.exec('BEGIN');
  const insert = writer.prepare('INSERT INTO b VALUES (?, ?)');
  for (let n = 0; n < 6000; n += 1) insert.run(n, 'x'.repeat(2000));
  writer.exec('COMMIT; DELETE FROM a; INSERT INTO a SELECT n FROM b');
}

function countIn(path: string, table: 'a' | 'b'): unknown {
  using database = new DatabaseSync(path, { readOnly: true });
  return database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'];
}

describe('an archive', () => {
  test('holds what the database held, in one file that anybody can check', async () => {
    writer.exec('INSERT INTO a VALUES (1), (2)');
    const archive = await makeArchive(job());
    const bytes = await readFile(archive.path);
    expect(archive).toEqual({
      path: join(directory, file),
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(countIn(archive.path, 'a')).toBe(2);
    expect(await readdir(directory)).toEqual([file]);
  });

  test('is readable by nobody but the operator', async () => {
    const { path } = await makeArchive(job());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('is of one moment, though another connection never stops writing', async () => {
    fill();
    let done = false;
    const copying = copyDatabase(source, join(base, 'copy.db'), job().signal).finally(() => (done = true));
    let writes = 0;
    for (; !done; writes += 1) {
      writer.exec("BEGIN; INSERT INTO a VALUES (-1); INSERT INTO b VALUES (-1, 'live'); COMMIT");
      await setImmediate();
    }
    await copying;
    expect(writes).toBeGreaterThan(3);
    expect([countIn(join(base, 'copy.db'), 'a'), countIn(join(base, 'copy.db'), 'b')]).toEqual([6000, 6000]);
    expect(await findDamage(join(base, 'copy.db'), job().signal)).toEqual([]);
  });

  test('of a database that is not in WAL mode is made as well', async () => {
    writer.exec('PRAGMA journal_mode = DELETE; INSERT INTO a VALUES (1)');
    expect(countIn((await makeArchive(job())).path, 'a')).toBe(1);
  });

  test('leaves the source as it was', async () => {
    writer.close();
    const before = await readFile(source);
    await makeArchive(job());
    expect(await readFile(source)).toEqual(before);
  });

  test('that an earlier try has finished is returned, not made again', async () => {
    const first = await makeArchive(job());
    writer.exec('INSERT INTO a VALUES (1)');
    expect(await makeArchive(job())).toEqual(first);
  });

  test('never takes the place of one that appears meanwhile', async () => {
    const assertHeld = (): void => new DatabaseSync(join(directory, file)).close();
    await expect(makeArchive(job({ assertHeld }))).rejects.toMatchObject({ reason: 'ArchiveExists' });
    expect((await stat(join(directory, file))).size).toBe(0);
  });
});

describe('nothing is published, and nothing left behind,', () => {
  const outcomeOf = async (running: Promise<unknown>): Promise<unknown> => ({
    error: await running.catch((error: unknown) => error),
    left: await readdir(directory),
  });
  const stopped = { error: 'stop', left: [] };
  const failure = (reason: FailureReason): unknown => ({
    error: expect.objectContaining({ reason }),
    left: [],
  });

  test('when the term has ended', async () => {
    const lost = new Error('the term is over');
    const assertHeld = (): never => {
      throw lost;
    };
    expect(await outcomeOf(makeArchive(job({ assertHeld })))).toEqual({ error: lost, left: [] });
  });

  test('when it is aborted before it begins', async () => {
    expect(await outcomeOf(makeArchive(job({ signal: AbortSignal.abort('stop') })))).toEqual(stopped);
  });

  test('when it is aborted in the middle of the copy, which then goes no further', async () => {
    fill();
    const abort = new AbortController();
    const aborting = steps({
      copyDatabase: async (from, to) => {
        const copying = copyDatabase(from, to, abort.signal);
        abort.abort('stop');
        await copying;
      },
      findDamage: () => Promise.reject(new Error('went on')),
    });
    expect(await outcomeOf(makeArchive(job({ signal: abort.signal }), aborting))).toEqual(stopped);
  });

  test('when it is aborted during the check', async () => {
    fill();
    const abort = new AbortController();
    const aborting = steps({
      findDamage: (path, signal) => {
        const checking = findDamage(path, signal);
        abort.abort('stop');
        return checking;
      },
    });
    expect(await outcomeOf(makeArchive(job({ signal: abort.signal }), aborting))).toEqual(stopped);
  });

  test('when it is aborted after the check', async () => {
    const abort = new AbortController();
    const aborting = steps({
      findDamage: (path, signal) => findDamage(path, signal).finally(() => abort.abort('stop')),
    });
    expect(await outcomeOf(makeArchive(job({ signal: abort.signal }), aborting))).toEqual(stopped);
  });

  test('when the disk fills up', async () => {
    const full = steps({
      copyDatabase: async (_, to) => {
        await writeFile(`${to}-journal`, 'half');
        throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
      },
    });
    expect(await outcomeOf(makeArchive(job(), full))).toEqual(failure('DestinationFull'));
  });

  test('when the copy is damaged', async () => {
    fill();
    const damaging = steps({
      copyDatabase: async (from, to, signal) => {
        await copyDatabase(from, to, signal);
        const bytes = await readFile(to);
        await writeFile(to, bytes.fill(0x5a, 4096 * 20, 4096 * 40));
      },
    });
    expect(await outcomeOf(makeArchive(job(), damaging))).toEqual(failure('Corrupt'));
  });

  test('when the copy is cut so short that it is no database any more', async () => {
    const cutting = steps({
      copyDatabase: async (_, to) => await writeFile(to, 'not a database'.repeat(99)),
    });
    expect(await outcomeOf(makeArchive(job(), cutting))).toEqual(failure('Corrupt'));
  });

  test.each([
    ['text', 'no database at all '.repeat(99), 'SourceNotDatabase'],
    ['empty', '', 'SourceNotDatabase'],
  ] as const)('when the source is %s', async (_, content, reason) => {
    const path = join(base, 'other.db');
    await writeFile(path, content);
    expect(await outcomeOf(makeArchive(job({ source: path })))).toEqual(failure(reason));
  });

  test('when the source has gone', async () => {
    const gone = makeArchive(job({ source: join(base, 'gone.db') }));
    expect(await outcomeOf(gone)).toEqual(failure('SourceUnreadable'));
  });

  test('when the source has become a link since its path was resolved', async () => {
    writer.close();
    await rename(source, join(base, 'secret.db'));
    await symlink('secret.db', source);
    expect(await outcomeOf(makeArchive(job()))).toEqual(failure('SourceOutsideRoots'));
  });

  test('when another program holds the source locked', async () => {
    writer.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    expect(await outcomeOf(makeArchive(job()))).toEqual(failure('SourceBusy'));
  });
});

test('a destination that has gone is named', async () => {
  const gone = makeArchive(job({ directory: join(base, 'gone') }));
  await expect(gone).rejects.toMatchObject({ reason: 'DestinationMissing' });
});

describe('what a dead process left', () => {
  const left = async (token: string, name = owner.name): Promise<string> => {
    const archive = formatArchiveName({ ...owner, name }, { ...label, term: { number: 1, token } });
    await mkdir(join(directory, `.${archive}.tmp`));
    await writeFile(join(directory, `.${archive}.tmp`, 'database.sqlite-journal'), 'half');
    return `.${archive}.tmp`;
  };

  test('is swept by the next run, of the same term or a later one', async () => {
    await left('999');
    await left('1234');
    await makeArchive(job());
    expect(await readdir(directory)).toEqual([file]);
  });

  test('is not taken from a later term, nor from another Backup', async () => {
    const others = [await left('1235'), await left('999', 'other')];
    await makeArchive(job());
    expect((await readdir(directory)).sort()).toEqual([...others, file].sort());
  });

  test('can no longer be published by a process that was only paused', async () => {
    const successor = { ...label, term: { number: 4, token: '1300' } };
    const paused = steps({
      findDamage: async (path, signal) => {
        const damage = await findDamage(path, signal);
        await makeArchive(job({ label: successor }));
        return damage;
      },
    });
    await expect(makeArchive(job(), paused)).rejects.toMatchObject({ reason: 'DestinationMissing' });
    expect(await readdir(directory)).toEqual([formatArchiveName(owner, successor)]);
  });
});

test('the event loop runs on while a copy is checked', async () => {
  fill();
  writer.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  writer.close();
  let turns = 0;
  let done = false;
  const checking = findDamage(source, job().signal).finally(() => (done = true));
  for (; !done; turns += 1) await setImmediate();
  expect(await checking).toEqual([]);
  expect(turns).toBeGreaterThan(10);
});
