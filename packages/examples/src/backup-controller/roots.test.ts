import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { prepareDestination, resolveDestination, resolveSource, type Roots } from './roots.js';

let base: string;
let roots: Roots;

/** data/app.db and backups/ are inside the roots, secret/ lies beside them. */
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'roots-')));
  for (const directory of ['data/sub', 'data-other', 'backups', 'secret']) {
    await mkdir(join(base, directory), { recursive: true });
  }
  for (const file of ['data/app.db', 'data-other/app.db', 'secret/token'])
    await writeFile(join(base, file), 'x');
  roots = { source: [join(base, 'data')], destination: [join(base, 'backups')] };
});
afterEach(async () => await rm(base, { recursive: true }));

const link = async (target: string, path: string): Promise<void> => await symlink(target, join(base, path));

describe('a source', () => {
  const source = async (path: string): Promise<string> => await resolveSource(join(base, path), roots);
  const reasonOf = async (path: string): Promise<unknown> =>
    await source(path).then(
      () => 'none',
      (error: { reason?: unknown }) => error.reason,
    );

  test('under a root is taken, by its real path', async () => {
    await link('app.db', 'data/current.db');
    await link(join(base, 'data'), 'alias');
    for (const path of ['data/app.db', 'data/current.db', 'alias/app.db', 'data/sub/../app.db']) {
      expect(await source(path)).toBe(join(base, 'data/app.db'));
    }
  });

  test('that leads out of the roots is refused, also through links', async () => {
    await link('../secret/token', 'data/file.db');
    await link(join(base, 'secret'), 'data/directory');
    for (const path of [
      'secret/token',
      'data/../secret/token',
      'data-other/app.db',
      'data/file.db',
      'data/directory/token',
    ]) {
      expect(await reasonOf(path)).toBe('SourceOutsideRoots');
    }
  });

  test('outside the roots tells nobody whether it exists', async () => {
    const messages = ['secret/token', 'secret/none', 'secret/token/below'].map(async (path) => {
      const error = await source(path).catch((thrown: Error) => thrown);
      return (error as Error).message.replace(path, '');
    });
    expect(new Set(await Promise.all(messages)).size).toBe(1);
  });

  test('that is missing, or no file, is told apart', async () => {
    await link('nowhere.db', 'data/broken.db');
    await link('loop.db', 'data/loop.db');
    expect(await reasonOf('data/none.db')).toBe('SourceMissing');
    expect(await reasonOf('data/app.db/below')).toBe('SourceMissing');
    expect(await reasonOf('data/sub')).toBe('SourceNotDatabase');
    expect(await reasonOf('data/broken.db')).toBe('SourceOutsideRoots');
    expect(await reasonOf('data/loop.db')).toBe('SourceOutsideRoots');
  });

  test.each(['app.db', '', './data/app.db', '/data/\0app.db', ':memory:', 'file:/data/app.db'])(
    '%j is refused: it is not an absolute path',
    async (path) => {
      const refused = expect.objectContaining({ reason: 'SourceOutsideRoots', needsEdit: true });
      await expect(resolveSource(path, roots)).rejects.toEqual(refused);
      await expect(resolveSource(path, roots)).rejects.toThrow(`must be an absolute path under ${base}/data`);
    },
  );

  test('is refused where the operator has no roots for it', async () => {
    const none = resolveSource(join(base, 'data/app.db'), { source: [], destination: [] });
    await expect(none).rejects.toThrow('started without a source root');
  });
});

describe('a destination', () => {
  const reasonOf = async (path: string): Promise<unknown> =>
    await prepareDestination(join(base, path), roots).then(
      () => 'none',
      (error: { reason?: unknown }) => error.reason,
    );

  test('that does not exist yet is resolved by its longest existing part, and made', async () => {
    await link(join(base, 'backups'), 'data/out');
    const wanted = join(base, 'backups/a/b');
    expect(await resolveDestination(join(base, 'data/out/a/b'), roots)).toBe(wanted);
    expect(await readdir(join(base, 'backups'))).toEqual([]);
    expect(await prepareDestination(join(base, 'data/out/a/b'), roots)).toBe(wanted);
    expect(await readdir(wanted)).toEqual([]);
  });

  test('may be the root itself', async () => {
    expect(await prepareDestination(join(base, 'backups'), roots)).toBe(join(base, 'backups'));
  });

  test('may lie under a root that is a link, or that is not there yet', async () => {
    await link('backups', 'mounted');
    const aliased = { ...roots, destination: [join(base, 'mounted')] };
    expect(await prepareDestination(join(base, 'mounted/x'), aliased)).toBe(join(base, 'backups/x'));
    const later = { ...roots, destination: [join(base, 'later')] };
    expect(await prepareDestination(join(base, 'later/x'), later)).toBe(join(base, 'later/x'));
  });

  test('that leads out of the roots is refused, and nothing is made there', async () => {
    await link('../secret', 'backups/out');
    await link('../secret/new', 'backups/broken');
    for (const path of [
      'secret/new',
      'backups/out/new',
      'backups/broken',
      'backups/broken/new',
      'backups/../x',
    ]) {
      expect(await reasonOf(path)).toBe('DestinationOutsideRoots');
    }
    expect(await readdir(join(base, 'secret'))).toEqual(['token']);
    expect(await readdir(base)).not.toContain('x');
  });

  test('that is a file, or leads through one, says so', async () => {
    await writeFile(join(base, 'backups/file'), '');
    expect(await reasonOf('backups/file')).toBe('DestinationNotDirectory');
    expect(await reasonOf('backups/file/below')).toBe('DestinationNotDirectory');
  });
});
