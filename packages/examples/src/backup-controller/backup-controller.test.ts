import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  ApiError,
  type KubernetesObject,
  type ReconcileContext,
  type Writer,
  isConflict,
  silentLogger,
} from '@incumbent/core';
import { VirtualClock } from '@incumbent/core/testing';
import { Backup, type ReadonlyBackup } from './backup.js';
import { BackupController } from './backup-controller.js';

let directory: string;
let database: DatabaseSync;
beforeEach(async () => {
  directory = await mkdtemp(join(os.tmpdir(), 'backup-'));
  await Promise.all([mkdir(join(directory, 'data')), mkdir(join(directory, 'backups'))]);
  database = new DatabaseSync(join(directory, 'data', 'orders.sqlite'));
  database.exec(
    'PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)',
  );
});
afterEach(async () => {
  database.close();
  await rm(directory, { recursive: true });
});

const CREATED = '2026-01-01T00:00:00Z';

function given(spec: Partial<ReadonlyBackup['spec']> = {}, status?: ReadonlyBackup['status']) {
  const clock = new VirtualClock(CREATED);
  const controller = new BackupController({
    source: [join(directory, 'data')],
    destination: [join(directory, 'backups')],
  });
  const events: string[] = [];
  const stored = { version: 1, status };
  const backup = (): ReadonlyBackup => ({
    apiVersion: 'backup.incumbent.dev/v1',
    kind: 'Backup',
    metadata: {
      name: 'orders',
      namespace: 'shop',
      uid: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed',
      resourceVersion: String(stored.version),
      creationTimestamp: CREATED,
      generation: 1,
    },
    spec: {
      schedule: '@every 10s',
      source: { sqlite: { path: join(directory, 'data', 'orders.sqlite') } },
      destination: { directory: join(directory, 'backups', 'orders') },
      keep: 3,
      suspend: false,
      deletionPolicy: 'Retain',
      ...spec,
    },
    ...(stored.status ? { status: stored.status } : {}),
  });
  const client = {
    async updateStatus(_: typeof Backup, written: KubernetesObject & { status?: ReadonlyBackup['status'] }) {
      if (written.metadata.resourceVersion !== String(stored.version))
        throw new ApiError('PUT', 409, { reason: 'Conflict' });
      stored.version += 1;
      stored.status = written.status;
    },
  } as unknown as Writer;
  const context = (term = 1): ReconcileContext => ({
    key: { namespace: 'shop', name: 'orders' },
    controller: 'BackupController',
    get: () => Promise.resolve(undefined),
    causes: [],
    client,
    clock,
    log: silentLogger,
    signal: new AbortController().signal,
    events: { normal: (reason) => void events.push(reason), warning: (reason) => void events.push(reason) },
    cache: { get: () => undefined, list: () => [], owned: () => [], holds: () => false },
    term: {
      number: term,
      token: String(100 + term),
      signal: new AbortController().signal,
      remaining: () => 1000,
      assertHeld: () => {},
      mayStillCommit: () => () => {},
    },
  });
  const archives = async () =>
    (await readdir(join(directory, 'backups', 'orders')).catch((): string[] => [])).toSorted(byName);
  return {
    clock,
    controller,
    backup,
    context,
    stored,
    events,
    archives,
    reconcile: (term?: number) => controller.reconcile(backup(), context(term)),
  };
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

const ready = (status: ReadonlyBackup['status']) => status?.conditions?.find(({ type }) => type === 'Ready');

describe('a backup', () => {
  test('that is not due yet is waited for, to the millisecond', async () => {
    const { reconcile, clock, stored, archives } = given();
    clock.stall('3s');
    expect(await reconcile()).toEqual({ requeueAfter: 7000 });
    expect(ready(stored.status)).toMatchObject({ status: 'True', reason: 'Waiting' });
    expect(stored.status?.nextRun).toBe('2026-01-01T00:00:10Z');
    expect(await archives()).toEqual([]);
  });

  test('that is due is made, recorded with its term, and the next one scheduled', async () => {
    const { reconcile, clock, stored, events, archives } = given();
    clock.stall('10.5s');
    expect(await reconcile(7)).toEqual({ requeueAfter: 9500 });
    expect(stored.status).toMatchObject({
      lastTick: '2026-01-01T00:00:10Z',
      nextRun: '2026-01-01T00:00:20Z',
      succeeded: 1,
      coalesced: 0,
      lastArchive: { term: 7 },
    });
    expect(ready(stored.status)).toMatchObject({ status: 'True', reason: 'BackedUp', observedGeneration: 1 });
    expect(await archives()).toEqual(['shop.orders.1b9d6bcd.20260101T000010Z.t7-107.sqlite']);
    expect(events).toEqual(['BackedUp']);
  });

  test('missed many times is made once, and the rest recorded as coalesced', async () => {
    const { reconcile, clock, stored, archives } = given();
    clock.stall('65s');
    await reconcile();
    await reconcile();
    expect(stored.status).toMatchObject({ lastTick: '2026-01-01T00:01:00Z', succeeded: 1, coalesced: 5 });
    expect(await archives()).toHaveLength(1);
  });

  test('made twice counts once: the second record is a conflict', async () => {
    const { controller, backup, context, clock, stored, archives } = given();
    clock.stall('10s');
    const seen = backup();
    await controller.reconcile(seen, context(1));
    const error = await controller.reconcile(seen, context(2)).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(isConflict(error)).toBe(true);
    expect(stored.status).toMatchObject({ succeeded: 1, lastArchive: { term: 1 } });
    expect(await archives()).toHaveLength(2);
  });

  test('leaves no more archives than it is to keep, the newest', async () => {
    const { reconcile, clock, archives } = given({ keep: 2 });
    for (let tick = 0; tick < 4; tick += 1) {
      clock.stall('10s');
      await reconcile();
    }
    expect((await archives()).map((file) => file.split('.')[3])).toEqual([
      '20260101T000030Z',
      '20260101T000040Z',
    ]);
  });

  test('that is suspended is not made, and says so; later one run catches up', async () => {
    const suspended = given({ suspend: true });
    suspended.clock.stall('35s');
    expect(await suspended.reconcile()).toBeUndefined();
    expect(ready(suspended.stored.status)).toMatchObject({ reason: 'Suspended' });
    const resumed = given({}, suspended.stored.status);
    resumed.clock.stall('35s');
    await resumed.reconcile();
    expect(resumed.stored.status).toMatchObject({ succeeded: 1, coalesced: 2 });
  });

  test('whose status says it all already is not written again', async () => {
    const { reconcile, stored } = given();
    await reconcile();
    const { version } = stored;
    await reconcile();
    expect(stored.version).toBe(version);
  });
});

describe('bad input', () => {
  test.each([
    [
      'a schedule that can’t be read',
      { schedule: 'every day' },
      'ScheduleInvalid',
      /is not a schedule/,
      600_000,
    ],
    [
      'a source outside the roots',
      { source: { sqlite: { path: '/etc/passwd' } } },
      'SourceOutsideRoots',
      /must be an absolute path under/,
      600_000,
    ],
    [
      'a destination outside the roots',
      { destination: { directory: '/etc' } },
      'DestinationOutsideRoots',
      /must be an absolute path under/,
      600_000,
    ],
  ])(
    '%s shows as a condition and an Event, and waits for an edit',
    async (_, spec, reason, message, again) => {
      const { reconcile, clock, stored, events } = given(spec);
      clock.stall('10s');
      expect(await reconcile()).toEqual({ requeueAfter: again });
      expect(ready(stored.status)).toMatchObject({
        status: 'False',
        reason,
        message: expect.stringMatching(message),
      });
      expect(events).toEqual([reason]);
      expect(stored.status?.lastTick).toBeUndefined();
    },
  );

  test('a database that is not there is tried again soon, and recovers', async () => {
    const path = join(directory, 'data', 'later.sqlite');
    const { reconcile, clock, stored } = given({ source: { sqlite: { path } } });
    clock.stall('10s');
    expect(await reconcile()).toEqual({ requeueAfter: 10_000 });
    expect(ready(stored.status)).toMatchObject({
      status: 'False',
      reason: 'SourceMissing',
      message: expect.stringMatching(/create the database/),
    });
    const late = new DatabaseSync(path);
    late.exec('CREATE TABLE t (id)');
    late.close();
    await reconcile();
    expect(ready(stored.status)).toMatchObject({ status: 'True', reason: 'BackedUp' });
  });
});

describe('cleaning up', () => {
  test('removes the archives where the policy says so, and leaves other files', async () => {
    const { reconcile, clock, controller, backup, context, archives } = given({ deletionPolicy: 'Delete' });
    clock.stall('10s');
    await reconcile();
    await controller.cleanup(backup(), context());
    expect(await archives()).toEqual([]);
  });

  test('keeps the archives where the policy says so', async () => {
    const { reconcile, clock, controller, backup, context, archives } = given({ deletionPolicy: 'Retain' });
    clock.stall('10s');
    await reconcile();
    await controller.cleanup(backup(), context());
    expect(await archives()).toHaveLength(1);
  });

  test('a term that is over removes nothing', async () => {
    const { reconcile, clock, controller, backup, context, archives } = given({ deletionPolicy: 'Delete' });
    clock.stall('10s');
    await reconcile();
    const lost = context();
    lost.term.assertHeld = () => {
      throw new Error('lost');
    };
    await expect(controller.cleanup(backup(), lost)).rejects.toThrow('lost');
    expect(await archives()).toHaveLength(1);
  });
});
