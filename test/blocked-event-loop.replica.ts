/**
 * A replica in a process of its own, whose event loop can be blocked without blocking the test's. Node runs this file as it is, so it
 * imports packages only.
 */
import type { Worker } from 'node:worker_threads';
import { Client, ConfigMap, type Term, codeOf, connect, messageOf } from '@incumbent/core/client';
import { LeaderElector, WorkerElector } from '@incumbent/election';

export interface ReplicaSetup {
  readonly kubeconfig: string;
  readonly name: string;
  readonly thread: 'main' | 'worker';
  readonly mainThreadLimit?: number;
  /** How the thread connects. */
  readonly connect?: { readonly kubeconfig?: string };
}

export type Command =
  /** Calls a write, blocks the loop before it can leave, and calls another when the block is over. */
  { readonly kind: 'block'; readonly ms: number; readonly killThread?: boolean } | { readonly kind: 'stop' };

export type Report =
  | { readonly kind: 'leading' | 'asked to end'; readonly term: number }
  /** `remaining`: what the term had left when the block was over, before anything else ran. */
  | { readonly kind: 'unblocked'; readonly isLeader: boolean; readonly remaining: number }
  | { readonly kind: 'refused'; readonly code: string | undefined; readonly message: string }
  | { readonly kind: 'write'; readonly called: 'before' | 'after'; readonly outcome: string };

const TIMINGS = {
  leaseDuration: '3s',
  renewDeadline: '2s',
  renewInterval: '600ms',
  retryPeriod: '200ms',
} as const;

const { kubeconfig, name, thread, ...setup } = JSON.parse(process.argv[2] ?? '') as ReplicaSetup;
const report = (message: Report): void => void process.send?.(message);
const threads: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

const connection = await connect({ kubeconfig });
const options = { connection, name, identity: `blocked-${name}`, ...TIMINGS };
const elector =
  thread === 'worker'
    ? new WorkerElector({ ...options, connect: { kubeconfig }, ...setup })
    : new LeaderElector(options);
const stop = new AbortController();
let term: Term | undefined;

process.on('message', (command: Command) => {
  if (command.kind === 'stop') return stop.abort();
  const { ms, killThread } = command;
  void write('before');
  if (killThread) void threads.at(-1)?.terminate();
  // Sleeps without turning the loop, and without taking a core from the others.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  report({ kind: 'unblocked', isLeader: elector.isLeader, remaining: term?.remaining() ?? 0 });
  void write('after');
});

async function write(called: 'before' | 'after'): Promise<void> {
  const outcome = await attempt(`${name}-${called}`).catch(
    (error: unknown) => codeOf(error) ?? String(error),
  );
  report({ kind: 'write', called, outcome });
}

async function attempt(object: string): Promise<string> {
  if (!term) return 'no term';
  const client = new Client(connection).under(term);
  await client.create(ConfigMap, {
    metadata: { name: object, namespace: 'default' },
    data: { term: term.token },
  });
  return 'written';
}

const candidate = {
  leading: async (won: Term) => {
    term = won;
    report({ kind: 'leading', term: won.number });
    await new Promise<void>((resolve) => won.signal.addEventListener('abort', () => resolve()));
    report({ kind: 'asked to end', term: won.number });
  },
  signal: stop.signal,
};
await elector
  .run(candidate)
  .catch((error: unknown) => report({ kind: 'refused', code: codeOf(error), message: messageOf(error) }));
await connection.close();
process.disconnect();
