import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, ConfigMap, type Connection, Lease, connect } from '@incumbent/core/client';
import { LeaderElector } from '@incumbent/election';
import { EmbeddedApiServer } from '@incumbent/testing';
import type { OperatorReport } from './blocked-event-loop.operator.js';
import type { Command, ReplicaSetup, Report } from './blocked-event-loop.replica.js';

/** In real time, with D 3 s and N 2 s. The scenarios run side by side, each with a Lease and a process of its own. */
const D = 3000;
const N = 2000;
const REPLICA = fileURLToPath(new URL('./blocked-event-loop.replica.ts', import.meta.url));
const OPERATOR = fileURLToPath(new URL('./blocked-event-loop.operator.ts', import.meta.url));

let scratch: string;
let kubeconfig: string;
let server: EmbeddedApiServer;
let connection: Connection;
/** Names of the ConfigMaps that anybody asked the server to write, whatever came of it. */
const arrived: string[] = [];
const cleanups: (() => unknown)[] = [];

interface Story {
  readonly reports: readonly Report[];
  /** Terms of the replica that waited, with the milliseconds from the start of the block to their beginning. */
  readonly successions: readonly { readonly term: number; readonly after: number }[];
  /** Milliseconds from the start of the block to its end. */
  readonly blockedFor: number;
}
const stories: Record<string, Promise<Story>> = {};
let busyOperator: Promise<OperatorReport[]>;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'blocked-'));
  server = await EmbeddedApiServer.start({
    intercept: ({ method, path: asked, body }) => {
      if (method === 'POST' && asked.includes('/configmaps')) arrived.push(nameIn(body));
      return undefined;
    },
  });
  kubeconfig = path.join(scratch, 'kubeconfig');
  await server.writeKubeconfig(kubeconfig);
  connection = await connect({ kubeconfig });
  const scenario = (
    name: string,
    setup: Omit<ReplicaSetup, 'kubeconfig' | 'name'>,
    block: Omit<Block, 'kind'>,
  ) => {
    stories[name] = tell({ ...setup, kubeconfig, name }, { kind: 'block', ...block });
    stories[name].catch(() => {});
  };
  const client = new Client(connection).unfenced();
  await client.create(ConfigMap, { metadata: { name: 'operator-busy', namespace: 'default' } });
  scenario('main', { thread: 'main' }, { ms: D + 3000 });
  scenario('worker', { thread: 'worker' }, { ms: 2 * D + 1000 });
  scenario('hung', { thread: 'worker', mainThreadLimit: 1500 }, { ms: 2 * D + 2000 });
  scenario('killed', { thread: 'worker' }, { ms: N + 300, killThread: true });
  busyOperator = runOperator(D + 1000);
  busyOperator.catch(() => {});
}, 30_000);

afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
  await connection.close();
  await server.stop();
  await rm(scratch, { recursive: true });
});

type Block = Extract<Command, { kind: 'block' }>;

/** A replica leads, another waits, and the first one's loop is blocked. Then the first is stopped. */
async function tell(setup: ReplicaSetup, block: Block): Promise<Story> {
  const { child, reports } = start<Report>(REPLICA, [JSON.stringify(setup)]);
  await until(child, reports, ({ kind }) => kind === 'leading');

  const begun: { term: number; at: number }[] = [];
  const stop = new AbortController();
  const successor = new LeaderElector({
    connection,
    name: setup.name,
    identity: `successor-${setup.name}`,
    leaseDuration: D,
    renewDeadline: N,
    renewInterval: 600,
    retryPeriod: 200,
  });
  const succeeding = successor.run({
    leading: async (term) => {
      begun.push({ term: term.number, at: performance.now() });
      await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
    },
    signal: stop.signal,
  });
  cleanups.unshift(async () => {
    stop.abort();
    await succeeding;
  });
  // The successor has seen the holder, and the holder has renewed since.
  await sleep(1000);
  const blockedAt = performance.now();
  child.send(block);
  await until(child, reports, ({ kind }) => kind === 'unblocked');
  const blockedFor = performance.now() - blockedAt;
  await until(child, reports, (report) => report.kind === 'write' && report.called === 'before');
  await until(child, reports, (report) => report.kind === 'write' && report.called === 'after');
  // Long enough for a crash to be noticed, and taken over.
  await sleep(setup.name === 'killed' ? D : 500);
  child.send({ kind: 'stop' });
  await new Promise((resolve) => child.once('exit', resolve));
  await sleep(500);
  return {
    reports,
    successions: begun.map(({ term, at }) => ({ term, after: at - blockedAt })),
    blockedFor,
  };
}

/** Until it has told its metrics, which it does after the reconcile that blocks. */
async function runOperator(blockedFor: number): Promise<OperatorReport[]> {
  const { child, reports } = start<OperatorReport>(OPERATOR, [kubeconfig, String(blockedFor)]);
  await until(child, reports, ({ kind }) => kind === 'metrics');
  child.send('stop');
  await new Promise((resolve) => child.once('exit', resolve));
  return reports;
}

function start<R>(
  script: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): { child: ChildProcess; reports: R[] } {
  const child = fork(script, args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  const reports: R[] = [];
  child.on('message', (message) => reports.push(message as R));
  return { child, reports };
}

/** Resolves when such a report is there, and rejects when the replica is gone before. */
function until<R>(child: ChildProcess, reports: R[], wanted: (report: R) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!reports.some(wanted)) return;
      child.off('message', look);
      child.off('exit', gone);
      resolve();
    };
    const gone = (code: number | null): void => reject(new Error(`The replica is gone (${code}).`));
    child.on('message', look);
    child.on('exit', gone);
    look();
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nameIn(body: Buffer): string {
  return (JSON.parse(body.toString()) as { metadata: { name: string } }).metadata.name;
}

async function story(name: string): Promise<Story> {
  const told = stories[name];
  if (!told) throw new Error(`No story of ${name}.`);
  return told;
}

const writes = ({ reports }: Story) =>
  Object.fromEntries(reports.flatMap((each) => (each.kind === 'write' ? [[each.called, each.outcome]] : [])));
const unblocked = ({ reports }: Story) => reports.find((each) => each.kind === 'unblocked');
const led = ({ reports }: Story) => reports.flatMap((each) => (each.kind === 'leading' ? [each.term] : []));

describe('an event loop that is blocked for longer than the lease', () => {
  test('without a worker thread loses the term: another replica leads meanwhile, and no write of the old term leaves', async () => {
    const told = await story('main');
    expect(told.blockedFor).toBeGreaterThan(D + 2900);
    expect(told.successions).toHaveLength(1);
    expect(told.successions[0]?.after).toBeLessThan(told.blockedFor);
    expect(unblocked(told)).toMatchObject({ isLeader: false });
    expect(writes(told)).toEqual({ before: 'AUTHORITY_LOST', after: 'AUTHORITY_LOST' });
    expect(arrived.filter((name) => name.startsWith('main-'))).toEqual([]);
    expect(told.reports.at(-1)).not.toMatchObject({ kind: 'leading' });
  }, 40_000);

  test('with a worker thread keeps the term: nobody else leads, and its writes go through under it', async () => {
    const told = await story('worker');
    expect(told.blockedFor).toBeGreaterThan(2 * D);
    expect(unblocked(told)).toMatchObject({ isLeader: true });
    expect(writes(told)).toEqual({ before: 'written', after: 'written' });
    expect(led(told)).toHaveLength(1);
    // Only after the graceful stop.
    expect(told.successions.map(({ after }) => after > told.blockedFor)).toEqual([true]);
    expect(told.reports).toContainEqual({ kind: 'asked to end', term: led(told)[0] });
  }, 40_000);

  test('with a worker thread, but blocked beyond mainThreadLimit, loses the term as without', async () => {
    const told = await story('hung');
    expect(told.successions).toHaveLength(1);
    expect(told.successions[0]?.after).toBeGreaterThan(1500);
    expect(told.successions[0]?.after).toBeLessThan(1500 + D + 1500);
    expect(unblocked(told)).toMatchObject({ isLeader: false });
    expect(writes(told)).toEqual({ before: 'AUTHORITY_LOST', after: 'AUTHORITY_LOST' });
    expect(arrived.filter((name) => name.startsWith('hung-'))).toEqual([]);
  }, 40_000);

  test('and whose worker thread is killed meanwhile has a closed fence when the deadline is over', async () => {
    const told = await story('killed');
    expect(unblocked(told)).toMatchObject({ isLeader: false });
    expect(writes(told)).toEqual({ before: 'AUTHORITY_LOST', after: 'AUTHORITY_LOST' });
    expect(arrived.filter((name) => name.startsWith('killed-'))).toEqual([]);
    expect(told.successions).toHaveLength(1);
    expect(told.successions[0]?.after).toBeLessThan(D + 1000);
  }, 40_000);
});

test('an operator with a worker thread keeps its lease while a reconcile blocks, and names the controller and the key', async () => {
  const reports = await busyOperator;
  const kinds = reports.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'leading')).toHaveLength(1);
  expect(reports).toContainEqual({ kind: 'written', term: expect.any(Number) });
  const warnings = reports.flatMap((each) => (each.kind === 'warning' ? [each] : []));
  expect(warnings).toEqual([
    {
      kind: 'warning',
      fields: { ms: expect.any(Number), controller: 'BusyController', key: 'default/operator-busy' },
      message: expect.stringMatching(
        /^The event loop was blocked for [34]\.?\d?s by the reconcile of default\/operator-busy by BusyController\./,
      ),
    },
  ]);
  const metrics = reports.find((each) => each.kind === 'metrics');
  expect(metrics?.text).toMatch(/^incumbent_event_loop_delay_seconds_bucket\{le="2\.5"\} \d+$/m);
  expect(metrics?.text).toMatch(/^leader_election_master_status\{name="operator"\} 1$/m);
  const lease = await new Client(connection).get(Lease, { name: 'operator', namespace: 'default' });
  expect(lease.spec?.holderIdentity).toBe('');
}, 40_000);

describe('a worker thread that can not elect', () => {
  const refusal = async (setup: Pick<ReplicaSetup, 'connect'>, environment: NodeJS.ProcessEnv = {}) => {
    const { child, reports } = start<Report>(
      REPLICA,
      [JSON.stringify({ ...setup, kubeconfig, name: 'refused', thread: 'worker' })],
      environment,
    );
    await new Promise((resolve) => child.once('exit', resolve));
    return reports;
  };

  test('for want of a kubeconfig rejects the run', async () => {
    const nowhere = path.join(scratch, 'nowhere');
    expect(await refusal({ connect: { kubeconfig: nowhere } })).toEqual([
      { kind: 'refused', code: 'CONNECTION_CONFIG', message: expect.stringContaining(nowhere) },
    ]);
  }, 30_000);

  test('because it would elect in another cluster than the one it is for refuses to', async () => {
    const other = await EmbeddedApiServer.start();
    cleanups.push(() => other.stop());
    await other.writeKubeconfig(path.join(scratch, 'other'));
    const reports = await refusal({ connect: {} }, { KUBECONFIG: path.join(scratch, 'other') });
    expect(reports).toEqual([
      { kind: 'refused', code: 'ELECTION_THREAD_SERVER', message: expect.any(String) },
    ]);
    const [{ message } = { message: '' }] = reports as { message: string }[];
    expect(message).toContain(`finds ${other.url}`);
    expect(message).toContain(`goes to ${server.url}`);
    expect(other.journal.filter(({ resource }) => resource === 'leases')).toEqual([]);
  }, 30_000);
});
