/**
 * One replica of an operator, as a process whose memory and handles are its own. Node runs this file as it is, so it imports packages only.
 *
 * Its controller copies `value` to `seen` in each ConfigMap.
 */
import { getEventListeners } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConfigMap,
  type DeepReadonly,
  connect,
  Controller,
  Operator,
  type ReconcileContext,
  silentLogger,
} from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import type { Plant } from './plants.js';

export interface ReplicaSetup {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Does wrong on purpose, to see that it is noticed. */
  readonly plant?: Plant | undefined;
}

export type Order = 'measure' | 'stop';

export interface Measurement {
  readonly kind: 'measured';
  /** Bytes after garbage collection. */
  readonly heap: number;
  readonly resident: number;
  readonly sockets: number;
  /** Listeners on the signal that stops the operator. */
  readonly stopListeners: number;
  readonly reconciles: number;
  readonly terms: number;
  readonly warnings: readonly string[];
}

export type Report =
  | Measurement
  | { readonly kind: 'leads' | 'follows' }
  /** What there is more of than before the operator was made. */
  | { readonly kind: 'stopped'; readonly leftovers: readonly string[] };

/** Milliseconds that what was closed gets to be gone. */
const CLOSING = 5000;

const { kubeconfig, namespace, plant } = JSON.parse(process.argv[2] ?? '') as ReplicaSetup;
const warnings: string[] = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));
process.on('disconnect', () => process.exit(1));

let orders: (order: Order) => void = () => {};
process.on('message', (order) => orders(order as Order));
const atFirst = inventory();

let reconciles = 0;
let terms = 0;
const kept: unknown[] = [];

class Copies {
  async reconcile(object: DeepReadonly<ConfigMap>, { client, key }: ReconcileContext): Promise<void> {
    reconciles += 1;
    misbehave();
    const { value, seen } = object.data ?? {};
    if (value === seen || (plant === 'key' && reconciles % 100 === 0)) return;
    await client.patch(ConfigMap, key, { type: 'merge', patch: { data: { seen: value } } });
  }
}
Controller({ for: ConfigMap, concurrency: 4 })(Copies);

const connection = await connect({ kubeconfig });
const stop = new AbortController();
const operator = new Operator({
  controllers: [Copies],
  leadership: leaderElection({ name: 'soak', namespace, preset: 'fast' }),
  connection,
  namespaces: [namespace],
  log: silentLogger,
  http: { port: 0, host: '127.0.0.1' },
});
operator.leadership$.subscribe(({ phase }) => {
  if (phase === 'leading') terms += 1;
  tell({ kind: phase === 'leading' ? 'leads' : 'follows' });
});
orders = (order) => void (order === 'measure' ? measure() : end());
await operator.run({ signal: stop.signal, signals: ['SIGTERM', 'SIGINT'] });

async function measure(): Promise<void> {
  await fetch(`http://127.0.0.1:${operator.address?.port}/metrics`).then((response) => response.text());
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc?.();
    await sleep(200);
  }
  const { heapUsed, rss } = process.memoryUsage();
  tell({
    kind: 'measured',
    heap: heapUsed,
    resident: rss,
    sockets: inventory().get('socket') ?? 0,
    stopListeners: getEventListeners(stop.signal, 'abort').length,
    reconciles,
    terms,
    warnings,
  });
}

async function end(): Promise<void> {
  stop.abort();
  // The promise of its run is awaited above; this one has the same end.
  await new Promise<void>((resolve) => operator.leadership$.subscribe({ complete: resolve }));
  await connection.close();
  const deadline = performance.now() + CLOSING;
  let leftovers = beyond(atFirst);
  while (leftovers.length > 0 && performance.now() < deadline) {
    await sleep(100);
    leftovers = beyond(atFirst);
  }
  tell({ kind: 'stopped', leftovers });
  process.disconnect();
  process.exit(0);
}

/** Everything that keeps a process busy or grows in number, counted by kind. */
function inventory(): Map<string, number> {
  const descriptors = readdirSync('/proc/self/fd').flatMap((fd) => kindOf(`/proc/self/fd/${fd}`));
  const listeners = process
    .eventNames()
    .flatMap((name) =>
      Array.from({ length: process.listenerCount(name) }, () => `listener of ${String(name)}`),
    );
  const counts = new Map<string, number>();
  for (const kind of [...descriptors, ...listeners, ...process.getActiveResourcesInfo()])
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** The folder that is being read is gone again. */
function kindOf(file: string): string[] {
  try {
    return [readlinkSync(file).replace(/:\[\d+\]$/, '')].filter((target) => !target.includes('/proc/'));
  } catch {
    return [];
  }
}

function beyond(before: ReadonlyMap<string, number>): string[] {
  return [...inventory()].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0);
    return more > 0 ? [`${more} ${kind}`] : [];
  });
}

function misbehave(): void {
  if (plant === 'memory') kept.push(Array.from({ length: 10_000 }, () => reconciles));
  if (plant === 'timer' && reconciles === 1) setInterval(() => {}, 60_000);
  if (plant === 'listener' && reconciles === 1) process.on('SIGTERM', () => {});
  if (plant === 'socket' && reconciles === 1) kept.push(createServer().listen(0, '127.0.0.1'));
}

function tell(report: Report): void {
  if (process.connected) process.send?.(report);
}
