import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatArchiveName, ownerPart, parseArchiveName, type ArchiveOwner } from './archive-name.js';
import { listArchives, pruneArchives, removeArchives } from './archives.js';

const orders = { namespace: 'default', name: 'orders', uid: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed' };
const tick = new Date('2026-11-23T19:05:00Z');

describe('the name of an archive', () => {
  test('says whose it is, for which tick, under which term', () => {
    expect(formatArchiveName(orders, { tick, term: { number: 3, token: '1234' } })).toBe(
      'default.orders.1b9d6bcd.20261123T190500Z.t3-1234.sqlite',
    );
  });

  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  const dotted = fc.array(label, { minLength: 1, maxLength: 20 }).map((parts) =>
    parts
      .join('.')
      .slice(0, 253)
      .replace(/[-.]+$/, 'z'),
  );
  const owners = fc.record({ namespace: label, name: dotted, uid: fc.uuid() });
  const labels = fc.record({
    tick: fc
      .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
      .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000)),
    term: fc.record({ number: fc.nat(), token: fc.bigInt(0n, 2n ** 64n - 1n).map(String) }),
  });

  test('reads back as what was written', () => {
    fc.assert(
      fc.property(owners, labels, (owner, written) => {
        const file = formatArchiveName(owner, written);
        expect(parseArchiveName(file)).toEqual({ owner: ownerPart(owner), ...written });
        expect(Buffer.byteLength(`.${file}.tmp`)).toBeLessThanOrEqual(255);
        expect(file).toMatch(/^[a-z0-9][a-z0-9.~-]+\.\d{8}T\d{6}Z\.t\d+-\d+\.sqlite$/);
      }),
    );
  });

  test('whatever reads as one is written the same way', () => {
    const time = fc.stringMatching(/^20\d{2}[01]\d[0-3]\dT[0-2]\d[0-6]\d[0-6]\dZ$/);
    const number = fc.stringMatching(/^\d{1,3}$/);
    fc.assert(
      fc.property(time, number, number, (digits, term, token) => {
        const file = `default.orders.1b9d6bcd.${digits}.t${term}-${token}.sqlite`;
        const parsed = parseArchiveName(file);
        fc.pre(parsed !== undefined);
        expect(formatArchiveName(orders, parsed)).toBe(file);
      }),
    );
  });

  test('of the longest namespace and names that differ only at their ends stay apart', () => {
    const namespace = 'n'.repeat(63);
    const [a, b] = ['a', 'b'].map((end) => ownerPart({ ...orders, namespace, name: 'x'.repeat(252) + end }));
    expect(a).not.toBe(b);
    expect(a).toContain('~');
  });

  test.each([
    'default.orders.1b9d6bcd.20261323T190500Z.t3-1.sqlite',
    'default.orders.1b9d6bcd.20260230T190500Z.t3-1.sqlite',
    'default.orders.1b9d6bcd.20261123T190500Z.t03-1.sqlite',
    'default.orders.1b9d6bcd.20261123T190500Z.t3-1.sqlite-wal',
    'default.orders.1b9d6bcd.20261123T190500Z.t3-1.sqlite\n',
    'default.orders.20261123T190500Z.t3-1.sqlite',
    '.default.orders.1b9d6bcd.20261123T190500Z.t3-1.sqlite.tmp',
    '',
  ])('%j is none', (file) => {
    expect(parseArchiveName(file)).toBeUndefined();
  });

  test.each([
    ['a uid that is not a UUID', { ...orders, uid: '../../etc' }, tick, '1'],
    ['a namespace that climbs', { ...orders, namespace: '../x' }, tick, '1'],
    ['a tick between seconds', orders, new Date(tick.getTime() + 1), '1'],
    ['a token that is not a number', orders, tick, 'abc'],
  ])('is refused for %s', (_, owner, when, token) => {
    expect(() => formatArchiveName(owner, { tick: when, term: { number: 1, token } })).toThrow(TypeError);
  });
});

describe('the archives of a directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'archives-'));
  });
  afterEach(async () => await rm(directory, { recursive: true }));

  const name = (minute: number, token = '7', owner: ArchiveOwner = orders): string =>
    formatArchiveName(owner, {
      tick: new Date(tick.getTime() + minute * 60_000),
      term: { number: 2, token },
    });
  const given = async (...files: string[]): Promise<void> => {
    for (const file of files) await writeFile(join(directory, file), '');
  };

  test('are listed from the newest, by tick and then by token as a number', async () => {
    await given(name(1, '9'), name(2, '10'), name(2, '9'), name(0, '99'));
    const listed = await listArchives(directory, orders);
    expect(listed.map(({ path }) => path)).toEqual(
      [name(2, '10'), name(2, '9'), name(1, '9'), name(0, '99')].map((file) => join(directory, file)),
    );
  });

  test('are pruned to the newest, the oldest being removed first', async () => {
    await given(name(1), name(2), name(3), name(4));
    expect(await pruneArchives(directory, orders, 2)).toEqual([
      join(directory, name(1)),
      join(directory, name(2)),
    ]);
    expect((await readdir(directory)).sort()).toEqual([name(3), name(4)]);
  });

  test('are only removed if they belong to this Backup and are files', async () => {
    const others = [
      name(1, '7', { ...orders, uid: '99999999-bbfd-4b2d-9b5d-ab8dfbbd4bed' }),
      name(1, '7', { ...orders, namespace: 'other' }),
      name(1, '7', { ...orders, name: 'orders.eu' }),
      'default.orders.1b9d6bcd.notes.sqlite',
      `${name(1)}.bak`,
    ];
    await given(...others, name(1));
    await mkdir(join(directory, name(2)));
    await symlink(join(directory, others[0] ?? ''), join(directory, name(3)));
    expect(await removeArchives(directory, orders)).toEqual([join(directory, name(1))]);
    expect((await readdir(directory)).sort()).toEqual([...others, name(2), name(3)].sort());
  });

  test('are removed together with what unfinished runs of the Backup left', async () => {
    const foreign = `.${name(1, '7', { ...orders, name: 'other' })}.tmp`;
    for (const left of [`.${name(5, '12')}.tmp`, foreign]) {
      await mkdir(join(directory, left));
      await writeFile(join(directory, left, 'database.sqlite-journal'), '');
    }
    await removeArchives(directory, orders);
    expect(await readdir(directory)).toEqual([foreign]);
  });

  test('of a directory that is missing are none', async () => {
    expect(await removeArchives(join(directory, 'none'), orders)).toEqual([]);
  });

  test.each([0, -1, 1.5, Number.NaN])('are not pruned to %p', async (keep) => {
    await given(name(1));
    await expect(pruneArchives(directory, orders, keep)).rejects.toThrow(RangeError);
    expect(await readdir(directory)).toEqual([name(1)]);
  });
});
