import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { type Labels, type MetricOptions, type Metrics, silentLogger } from '@incumbent/core/client';
import { VirtualClock, seededRandom } from '@incumbent/core/testing';
import { FakeLeaseServer, apiError } from '../lease/lease-server.fake.js';
import { ElectionThread } from '../worker/election-thread.js';
import type { FromThread, ThreadData } from '../worker/messages.js';
import { Pulse } from '../worker/pulse.js';
import { replay } from '../worker/reports.js';
import { LeaderElector } from './leader-elector.js';
import { ElectionMetrics } from './metrics.js';

const KEY = { namespace: 'operators', name: 'backup' };

/** Keeps every metric's last value, or what a histogram observed; counts how it was asked for. */
class RecordedMetrics implements Metrics {
  readonly asked: (MetricOptions & { readonly type: string })[] = [];
  readonly values: Record<string, number> = {};
  readonly observed: Record<string, number[]> = {};

  counter(options: MetricOptions) {
    this.asked.push({ ...options, type: 'counter' });
    return { inc: (labels?: Labels, by = 1) => this.#add(options, labels, by) };
  }
  gauge(options: MetricOptions) {
    this.asked.push({ ...options, type: 'gauge' });
    return {
      set: (value: number) => void (this.values[options.name] = value),
      add: (by: number, labels?: Labels) => this.#add(options, labels, by),
      remove: () => {},
    };
  }
  histogram(options: MetricOptions) {
    this.asked.push({ ...options, type: 'histogram' });
    return { observe: (value: number) => void (this.observed[options.name] ??= []).push(value) };
  }
  /** Without the prefix that all have. */
  value(name: string): number | undefined {
    return this.values[`leader_election_${name}`];
  }
  #add({ name, labels: declared = [] }: MetricOptions, labels: Labels = {}, by: number): void {
    if (Object.keys(labels).join() !== declared.join()) throw new Error(`Wrong labels of ${name}.`);
    const series = labels['result'] ? `${name}:${labels['result']}` : name;
    this.values[series] = (this.values[series] ?? 0) + by;
  }
}

/** D 15 s, N 10 s, R 5 s, P 1.5 s. */
function given() {
  const clock = new VirtualClock();
  const server = new FakeLeaseServer(clock);
  const replica = (identity: string) => {
    const [port, metrics, stop] = [server.port(identity), new RecordedMetrics(), new AbortController()];
    const random = seededRandom(1);
    const elector = new LeaderElector({ ...KEY, identity, lease: port, clock, metrics, random });
    const leading = (term: { readonly signal: AbortSignal }): Promise<void> =>
      new Promise((resolve) => term.signal.addEventListener('abort', () => resolve()));
    void elector.run({ leading, signal: stop.signal });
    return { port, metrics, elector, stop: () => stop.abort() };
  };
  return { clock, server, replica };
}

function heldByOther(server: FakeLeaseServer): void {
  server.create({
    metadata: { ...KEY },
    spec: { holderIdentity: 'other', leaseDurationSeconds: 15, leaseTransitions: 7 },
  });
}

test('docs/election.md lists every metric with its type, its labels and its unit, and none besides', () => {
  const metrics = new RecordedMetrics();
  expect(new ElectionMetrics(metrics, 'x')).toBeDefined();
  const docs = readFileSync(new URL('../../../../docs/election.md', import.meta.url), 'utf8');
  const rows = Array.from(
    docs.matchAll(/^\| `(leader_election_\w+)`\s*\| (\w+)\s*\| ([\w, ]+?)\s*\| (\w+)\s*\|/gm),
  );
  const listed = rows.map(([, name, type, labels, unit]) => ({ name, type, labels, unit }));
  expect(listed).toEqual(
    metrics.asked.map(({ name, type, labels = [] }) => ({
      name,
      type,
      labels: labels.join(', '),
      unit: name.includes('seconds') ? 'seconds' : 'none',
    })),
  );
});

test('a leader counts its terms, and of each renewal how long it took and what was left', async () => {
  const { clock, replica } = given();
  const { metrics, port, stop } = replica('a');
  await clock.advance('1s');
  expect(metrics.value('master_status')).toBe(1);
  expect(metrics.value('terms_total')).toBe(1);
  port.latency = 20;
  await clock.advance('5s');
  expect(metrics.observed['leader_election_renewal_latency_seconds']).toEqual([0.04]);
  const [margin = 0] = metrics.observed['leader_election_renewal_margin_seconds'] ?? [];
  expect(margin).toBeCloseTo(4.96, 3);
  expect(metrics.value('renewals_total:success')).toBe(1);
  stop();
  await clock.advance('1s');
  expect(metrics.value('master_status')).toBe(0);
});

test('the slow path is counted where a renewal needs a read first, and nothing else is', async () => {
  const { clock, server, replica } = given();
  const { metrics, port } = replica('a');
  await clock.advance('1s');
  if (server.lease)
    server.put({ ...server.lease, metadata: { ...server.lease.metadata, labels: { team: 'x' } } });
  // The watch brings the version along, but the term goes on from the one it wrote.
  await clock.advance('5s');
  expect(metrics.value('slowpath_total')).toBe(1);
  port.fault = ({ verb }) => (verb === 'update' ? apiError(500, 'InternalError') : undefined);
  await clock.advance('6s');
  port.fault = () => undefined;
  await clock.advance('10s');
  expect(metrics.value('slowpath_total')).toBe(1);
  expect(metrics.value('renewals_total:error')).toBeGreaterThan(1);
});

test('a change of the leader is counted by each replica that sees it, who leads at first sight is none', async () => {
  const { clock, server, replica } = given();
  heldByOther(server);
  const { metrics } = replica('a');
  await clock.advance('14s');
  expect(metrics.value('transitions_total')).toBe(0);
  const b = replica('b');
  await clock.advance('2s');
  expect([metrics.value('transitions_total'), b.metrics.value('transitions_total')]).toEqual([1, 1]);
  await clock.advance('60s');
  expect(metrics.value('transitions_total')).toBe(1);
});

test('time without a leader counts from a release, a lapse or a loss until somebody leads', async () => {
  const { clock, server, replica } = given();
  heldByOther(server);
  const { metrics, port, elector } = replica('a');
  const leaderless = () => metrics.value('leaderless_seconds_total') ?? Number.NaN;
  await clock.advance('14s');
  expect(leaderless()).toBe(0);
  port.fault = ({ verb }) =>
    verb === 'update' || verb === 'get' ? apiError(500, 'InternalError') : undefined;
  // Lapsed at 15 s, and not to be had before 25 s; told meanwhile, not only in the end.
  await clock.advance('8s');
  expect(leaderless()).toBeGreaterThan(5);
  expect(leaderless()).toBeLessThan(7);
  await clock.advance('3s');
  port.fault = () => undefined;
  await clock.advance('5s');
  expect(elector.isLeader).toBe(true);
  const lapse = leaderless();
  expect(lapse).toBeGreaterThan(10);
  expect(lapse).toBeLessThan(12);
  await clock.advance('60s');
  expect(leaderless()).toBe(lapse);
  elector.stepDown();
  await clock.advance('10s');
  expect(leaderless() - lapse).toBeCloseTo(3, 1);
});

test('an election on a thread of its own counts the same', async () => {
  const clock = new VirtualClock();
  const server = new FakeLeaseServer(clock);
  heldByOther(server);
  const [metrics, pulse] = [new RecordedMetrics(), Pulse.allocate(clock)];
  const data: ThreadData = {
    election: { ...KEY, identity: 'a' },
    connect: {},
    server: undefined,
    mainThreadLimit: 600_000,
    pulse: pulse.memory,
  };
  const send = (message: FromThread): void => {
    const copy = structuredClone(message);
    if (copy.kind === 'metric') replay(copy, { log: silentLogger, metrics, events: undefined });
  };
  const port = server.port('a');
  pulse.keepBeating('main');
  void new ElectionThread({ data, lease: port, clock, random: seededRandom(1), send }).run();
  await clock.advance('30s');
  expect(metrics.values).toMatchObject({
    leader_election_master_status: 1,
    leader_election_terms_total: 1,
    leader_election_transitions_total: 1,
    leader_election_slowpath_total: 0,
    leader_election_leaderless_seconds_total: expect.closeTo(0.002, 3),
  });
  expect(metrics.observed['leader_election_renewal_latency_seconds']).toHaveLength(2);
});
