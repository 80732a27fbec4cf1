import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SESSION_LABEL } from '@incumbent/election';
import { parseFlags } from './demo/flags.js';
import { Tally, podOf } from './demo/tally.js';
import { hashFile } from './hash-file.js';
import type { WorkItem } from './work-item.js';

function item(
  name: string,
  { session, status }: { session?: string; status?: WorkItem['status'] },
): WorkItem {
  return {
    apiVersion: 'queue.incumbent.dev/v1',
    kind: 'WorkItem',
    metadata: {
      name,
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: session ? { [SESSION_LABEL]: session } : {},
    },
    spec: { path: '/f', salt: name },
    ...(status ? { status } : {}),
  };
}

describe('the tally', () => {
  const tally = (): Tally =>
    new Tally(
      new Map([
        ['a', 'right'],
        ['b', 'right'],
      ]),
    );

  test('tells what waits, is in work, and is done, and by whom', () => {
    const counts = tally();
    counts.see(item('a', {}));
    counts.see(item('b', { session: 'hasher-1-nonce.0' }));
    expect(counts.counts).toMatchObject({ waiting: 1, working: 1, done: 0 });
    counts.see(
      item('a', {
        session: 'hasher-2-nonce.0',
        status: { sha256: 'right', member: 'hasher-2-nonce', assignment: 2 },
      }),
    );
    expect(counts.counts).toMatchObject({ waiting: 0, working: 1, done: 1, reassigned: 1, wrong: 0 });
    expect([counts.of('hasher-1'), counts.of('hasher-2')]).toEqual([
      { working: 1, done: 0 },
      { working: 0, done: 1 },
    ]);
  });

  test('a done item whose status changes was counted twice; a change of its labels is none', () => {
    const counts = tally();
    const status = { sha256: 'right', member: 'm-1', assignment: 1 };
    counts.see(item('a', { session: 'm-1.0', status }));
    counts.see(item('a', { status }));
    expect(counts.counts.countedTwice).toBe(0);
    counts.see(item('a', { status: { ...status, member: 'other-1' } }));
    expect(counts.counts).toMatchObject({ countedTwice: 1, done: 1 });
  });

  test('a wrong result and a missing item are told', () => {
    const counts = tally();
    counts.see(item('a', { status: { sha256: 'wrong' } }));
    expect([counts.counts.wrong, counts.missing]).toEqual([1, 1]);
    counts.gone('a');
    expect([counts.counts.wrong, counts.counts.done, counts.missing]).toEqual([0, 0, 2]);
  });

  test('a member is named after its pod, and a session after its member', () => {
    expect([podOf('hasher-1a2b-nonce'), podOf('hasher-1a2b-nonce.12')]).toEqual([
      'hasher-1a2b',
      'hasher-1a2b',
    ]);
  });
});

test('a hash is of the salt and the file, and ends when it is asked to', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'hash-'));
  const file = path.join(folder, 'file');
  await writeFile(file, 'content');
  const sha256 = createHash('sha256').update('saltcontent').digest('hex');
  expect(await hashFile(file, 'salt')).toEqual({ sha256, bytes: 7 });
  await expect(hashFile(file, 'salt', AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  await rm(folder, { recursive: true });
});

test.each([
  [['--items', '0'], /--items takes a number from 1 to 100000/],
  [['--members', 'four'], /--members takes a number/],
  [['--preset', 'quick'], /--preset takes fast, balanced, slow/],
  [['--unknown'], /--unknown/],
])('%p is refused with a sentence', (argv, message) => {
  expect(() => parseFlags(argv)).toThrow(message);
});
