/** `incumbent elect` as processes: what they run is judged by what it wrote down itself. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client, Lease, connect } from '@incumbent/core/client';
import { blackHole } from '@incumbent/testing';
import { testEnvironment } from '@incumbent/testing/jest';
import { type Run, overlaps, runsIn } from './beats.js';
import { BEACON, IncumbentProcess, childrenOf, isAlive, killAll } from './incumbent-process.js';

const PATIENCE = { timeout: 30_000 };
const TEST_TIMEOUT = 90_000;
/** D 2 s, N 1.4 s: for what waits for a lease to lapse. On a machine that is busy such a term may be lost by itself. */
const QUICK = '--lease-duration 2s --renew-deadline 1.4s --renew-interval 350ms --retry-period 200ms'.split(
  ' ',
);
const LEASE_DURATION = 2000;
/** Milliseconds: a third of the default lease duration, and long enough to start two processes on a busy machine. */
const SOON = 5000;

const environment = testEnvironment();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function given() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'incumbent-elect-'));
  ends.push(() => rm(folder, { recursive: true }));
  const namespace = await environment.namespace();
  const kubeconfig = await environment.kubeconfig({ namespace });
  const file = path.join(folder, 'beats');
  ends.push(() => killAll(runsIn(file).map(({ pid }) => pid)));
  const start = (args: readonly string[], config = kubeconfig): IncumbentProcess => {
    const started = new IncumbentProcess(args, { KUBECONFIG: config });
    ends.push(() => started.kill());
    return started;
  };
  /** A replica whose command is a beacon. */
  const replica = (
    id: string,
    beacon: readonly string[] = [],
    {
      options = [],
      config = kubeconfig,
    }: { readonly options?: readonly string[]; readonly config?: string } = {},
  ) =>
    start(
      [
        'elect',
        '--lease',
        'one',
        '--identity',
        id,
        '--json',
        ...options,
        '--',
        process.execPath,
        BEACON,
        file,
        ...beacon,
      ],
      config,
    );
  const runs = (): readonly Run[] => runsIn(file);
  /** Resolves with the run of a replica, once it has begun. */
  const runOf = (id: string, count = 1): Promise<Run> =>
    environment.eventually(() => {
      const [run] = runs()
        .filter((one) => one.id === id)
        .slice(count - 1);
      if (!run)
        throw new Error(
          `${id} has not run ${count} times: ${JSON.stringify(runs().map(({ id: who, term }) => [who, term]))}`,
        );
      return run;
    }, PATIENCE);
  const lease = async (): Promise<Lease> => {
    const connection = await connect({ kubeconfig });
    try {
      return await new Client(connection).get(Lease, { namespace, name: 'one' });
    } finally {
      await connection.close();
    }
  };
  return { folder, file, namespace, kubeconfig, start, replica, runs, runOf, lease };
}

/** Three, of which one leads and the others have seen it; by the default timings unless told otherwise. */
async function givenThree(beacon: readonly string[] = [], options: readonly string[] = []) {
  const world = await given();
  const ids = ['a', 'b', 'c'] as const;
  const replicas = new Map(ids.map((id) => [id as string, world.replica(id, beacon, { options })]));
  const settled = await environment.eventually(() => {
    const run = world.runs().at(-1) as Run;
    const leader = replicas.get(run.id) as IncumbentProcess;
    const followers = [...replicas.values()].filter((replica) => replica !== leader);
    expect(leader.told.at(-1)).toMatchObject({ event: 'leading', term: run.term });
    for (const { told } of followers) expect(told.at(-1)).toMatchObject({ event: 'leader', holder: run.id });
    return { leader, followers: followers as [IncumbentProcess, IncumbentProcess], run };
  }, PATIENCE);
  const successor = (): Promise<Run> =>
    environment.eventually(() => {
      const next = world.runs().find(({ id, first }) => id !== settled.run.id && first > settled.run.first);
      if (!next) throw new Error('Nobody has followed.');
      return next;
    }, PATIENCE);
  const runNow = (): Run => world.runs().find(({ pid }) => pid === settled.run.pid) as Run;
  const others = ids.filter((id) => id !== settled.run.id) as [string, string];
  return { ...world, ...settled, others, runNow, successor };
}

describe('the command does not outlive its right', () => {
  test.each([
    { command: 'a command that ends when it is asked to', beacon: [], asked: 1 },
    { command: 'a command that ignores SIGTERM', beacon: ['--ignore-sigterm'], asked: 1 },
  ])(
    '$command is gone before the next begins when its parent is killed, and so is the guardian',
    async ({ beacon, asked }) => {
      const { leader, run, runs, runNow, successor } = await givenThree(beacon, QUICK);
      const guardians = childrenOf(leader.pid);
      leader.signal('SIGKILL');
      const next = await successor();
      expect(overlaps(runs())).toEqual([]);
      const killed = runNow();
      expect(killed.beats.filter(({ what }) => what === 'asked')).toHaveLength(asked);
      expect(next.first - killed.last).toBeLessThan(LEASE_DURATION + 1500);
      expect([guardians.length, guardians.filter(isAlive), isAlive(run.pid)]).toEqual([1, [], false]);
    },
    TEST_TIMEOUT,
  );

  test(
    'it is asked to end as soon as its parent is killed, however long the term would last',
    async () => {
      const { start, file, runs } = await given();
      const a = start(['elect', '--lease', 'one', '--', process.execPath, BEACON, file]);
      await environment.eventually(() => expect(runs()).toHaveLength(1), PATIENCE);
      const [{ pid }] = runs() as [Run];
      a.signal('SIGKILL');
      await environment.eventually(() => expect(isAlive(pid)).toBe(false), { timeout: 3000 });
    },
    TEST_TIMEOUT,
  );

  test(
    'while its parent is stopped it is ended in time, and the parent that goes on takes part again',
    async () => {
      const { leader, followers, run, runs, successor } = await givenThree(
        ['--ignore-sigterm'],
        [...QUICK, '--grace', '300ms'],
      );
      leader.signal('SIGSTOP');
      const next = await successor();
      expect(overlaps(runs())).toEqual([]);
      leader.signal('SIGCONT');
      await environment.eventually(
        () => expect(leader.told.at(-1)).toMatchObject({ event: 'leader', holder: next.id }),
        PATIENCE,
      );
      // It tells late of what happened in time.
      const stopped = leader.told.find(({ event, term }) => event === 'stopped' && term === run.term);
      const leading = followers
        .flatMap(({ told }) => told)
        .find(({ event, term }) => event === 'leading' && term > run.term);
      expect(stopped?.t).toBeLessThan(leading?.t ?? 0);
      for (const follower of followers) follower.signal('SIGTERM');
      await environment.eventually(() => {
        const again = runs().filter(({ id, first }) => id === run.id && first > next.first);
        expect(again).not.toEqual([]);
      }, PATIENCE);
      expect(overlaps(runs())).toEqual([]);
    },
    TEST_TIMEOUT,
  );

  test(
    'when the API server can’t be reached it is ended in time, and started again in a later term',
    async () => {
      const world = await given();
      const proxy = await environment.faults();
      const config = await environment.kubeconfigThrough(proxy, { namespace: world.namespace });
      world.replica('cut', ['--ignore-sigterm'], { config, options: QUICK });
      await world.runOf('cut');
      const other = world.replica('other', [], { options: QUICK });
      await environment.eventually(
        () => expect(other.told.at(-1)).toMatchObject({ holder: 'cut' }),
        PATIENCE,
      );
      const lift = proxy.use(blackHole('client-to-server'));
      await world.runOf('other');
      await lift();
      other.signal('SIGTERM');
      const again = await world.runOf('cut', 2);
      expect(overlaps(world.runs())).toEqual([]);
      expect(again.term).toBeGreaterThan(1);
    },
    TEST_TIMEOUT,
  );

  test(
    'what it started in the background ends with it, in a group of its own too',
    async () => {
      const { start, runs, file } = await given();
      // `set -m` gives each job a process group of its own.
      const script = `set -m; ${process.execPath} ${BEACON} ${file} --ignore-sigterm & sleep 0.7; exit 9`;
      const { status } = await start([
        'elect',
        '--lease',
        'one',
        ...QUICK,
        '--',
        'bash',
        '-c',
        script,
      ]).finished();
      expect(status).toBe(9);
      const [left] = runs() as [Run];
      expect(isAlive(left.pid)).toBe(false);
    },
    TEST_TIMEOUT,
  );

  test(
    'a guardian that is killed takes it along, and the lease is released',
    async () => {
      const { replica, runOf, lease } = await given();
      const a = replica('a', ['--ignore-sigterm']);
      const { pid } = await runOf('a');
      const [guardian] = childrenOf(a.pid) as [number];
      process.kill(guardian, 'SIGKILL');
      const { status } = await a.finished();
      expect([status, isAlive(pid)]).toEqual([137, false]);
      expect((await lease()).spec?.holderIdentity).toBe('');
    },
    TEST_TIMEOUT,
  );

  test(
    'a guardian that is stopped is done without',
    async () => {
      const { replica, runOf } = await given();
      const a = replica('a', [], { options: ['--grace', '200ms'] });
      const { pid } = await runOf('a');
      const [guardian] = childrenOf(a.pid) as [number];
      process.kill(guardian, 'SIGSTOP');
      a.signal('SIGTERM');
      const { status } = await a.finished();
      expect([status, isAlive(pid), isAlive(guardian)]).toEqual([137, false, false]);
    },
    TEST_TIMEOUT,
  );
});

describe('a graceful end', () => {
  test(
    'SIGTERM is passed on, the command awaited, the lease released after it, and its status ours',
    async () => {
      const { leader, run, runs, runNow, successor } = await givenThree(['--drain', '1500', '--exit', '5']);
      leader.signal('SIGTERM');
      const { status } = await leader.finished();
      const next = await successor();
      expect(status).toBe(5);
      const ended = runNow();
      expect(ended.beats.at(-1)?.what).toBe('end');
      expect(overlaps(runs())).toEqual([]);
      expect(next.first - ended.last).toBeLessThan(SOON);
      expect(leader.told.slice(-3).map(({ event, holder }) => [event, holder])).toEqual([
        ['leading', run.id],
        ['stopped', run.id],
        ['leader', ''],
      ]);
    },
    TEST_TIMEOUT,
  );

  test(
    'a command that ignores it is killed after the grace, and by a second signal at once',
    async () => {
      const graceful = await given();
      const a = graceful.replica('a', ['--ignore-sigterm'], { options: ['--grace', '500ms'] });
      await graceful.runOf('a');
      a.signal('SIGTERM');
      expect((await a.finished()).status).toBe(137);
      const [waited] = graceful.runs() as [Run];
      const asked = waited.beats.find(({ what }) => what === 'asked')?.at ?? 0;
      expect(waited.last - asked).toBeGreaterThan(300);

      const hasty = await given();
      const b = hasty.replica('b', ['--ignore-sigterm'], { options: ['--grace', '10m'] });
      await hasty.runOf('b');
      b.signal('SIGINT');
      await environment.eventually(
        () => expect(hasty.runs()[0]?.beats.some(({ what }) => what === 'asked')).toBe(true),
        PATIENCE,
      );
      b.signal('SIGINT');
      expect((await b.finished()).status).toBe(137);
      expect((await hasty.lease()).spec?.holderIdentity).toBe('');
    },
    TEST_TIMEOUT,
  );

  test(
    'a follower ends with status 0',
    async () => {
      const {
        followers: [follower],
      } = await givenThree();
      follower.signal('SIGTERM');
      expect((await follower.finished()).status).toBe(0);
    },
    TEST_TIMEOUT,
  );

  test(
    'a handover that is asked for from outside goes to the one named long before the lease would lapse; the old leader campaigns on',
    async () => {
      const { leader, run, others, start, namespace, runs, runNow, runOf } = await givenThree([
        '--drain',
        '100',
      ]);
      const name = `${namespace}/one`;
      const { status, stdout } = await start(['lease', 'handover', name, '--to', others[1]]).finished();
      expect([status, stdout]).toEqual([
        0,
        `${name}: ${run.id} has released it, and ${others[1]} leads in term ${run.term + 1}.\n`,
      ]);
      const next = await runOf(others[1]);
      expect(overlaps(runs())).toEqual([]);
      expect(next.first - runNow().last).toBeLessThan(SOON);
      expect(leader.hasEnded).toBe(false);
    },
    TEST_TIMEOUT,
  );
});

describe('the command', () => {
  test(
    'that ends by itself passes on its status, its lease is released, and nobody starts it again here',
    async () => {
      const { replica, runs, lease } = await given();
      const { status } = await replica('a', ['--end-after', '50', '--exit', '7']).finished();
      expect([status, runs().length]).toEqual([7, 1]);
      expect((await lease()).spec?.holderIdentity).toBe('');
    },
    TEST_TIMEOUT,
  );

  test(
    'knows its term, token and identity; the events are lines of JSON with just these fields',
    async () => {
      const { replica, runs, lease } = await given();
      const { stdout } = await replica('a', ['--end-after', '1']).finished();
      const [run] = runs() as [Run];
      expect(run).toMatchObject({ id: 'a', term: 0 });
      expect(run.token).toBeLessThan(BigInt((await lease()).metadata.resourceVersion));
      const lines = stdout.trim().split('\n');
      expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual(
        lines.map(() => ['t', 'id', 'event', 'holder', 'term']),
      );
      expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual({
        t: expect.any(Number),
        id: 'a',
        event: 'leading',
        holder: 'a',
        term: 0,
      });
    },
    TEST_TIMEOUT,
  );
});
