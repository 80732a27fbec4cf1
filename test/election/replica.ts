/**
 * One replica of one election, as a process that can be killed, frozen and blocked. Node runs this file as it is, so it imports packages only.
 *
 * While it leads it writes its term into a ConfigMap, without a precondition: a write that comes late would land.
 */
import {
  Client,
  ConfigMap,
  type Logger,
  type Term,
  codeOf,
  connect,
  sleep,
  systemClock,
} from '@incumbent/core/client';
import { LeaderElector } from '@incumbent/election';

export interface ReplicaSetup {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Of the Lease and of the ConfigMap. */
  readonly election: string;
  readonly identity: string;
  readonly timings: Timings;
  /** Writes without regard to the term: to see that this is caught. */
  readonly unfenced?: boolean;
}

/** In milliseconds. */
export interface Timings {
  readonly leaseDuration: number;
  readonly renewDeadline: number;
  readonly renewInterval: number;
  readonly retryPeriod: number;
}

export type Command =
  | { readonly kind: 'stop' }
  /** Calls so many writes, which the pool can't send at once, and keeps the loop from turning before they could leave. */
  | { readonly kind: 'block'; readonly ms: number; readonly queued: number };

/** `at`: milliseconds of the machine's monotonic clock, the same for all processes. `until`: when the term ends if it is not renewed. */
export type Report =
  | { readonly kind: 'following'; readonly at: number }
  | { readonly kind: 'leading' | 'held'; readonly at: number; readonly term: number; readonly until: number }
  | { readonly kind: 'stopped'; readonly at: number; readonly term: number }
  | {
      readonly kind: 'wrote';
      readonly at: number;
      readonly term: number;
      readonly token: string;
      readonly count: string;
      /** resourceVersion of the object, by the server's answer. */
      readonly version: string;
    }
  | { readonly kind: 'failed'; readonly at: number; readonly term: number; readonly code: string }
  /** What became of writes that were called before a block, by code; `written` for those that landed. */
  | { readonly kind: 'unblocked'; readonly at: number; readonly queued: Readonly<Record<string, number>> };

const WRITE_EVERY = 100;

const setup = JSON.parse(process.argv[2] ?? '') as ReplicaSetup;
const { kubeconfig, namespace, election, identity, timings, unfenced } = setup;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const report = (message: Report): void => void (process.connected && process.send?.(message));

const stopping = new AbortController();
const connection = await connect({ kubeconfig, namespace });
const elector = new LeaderElector({
  connection,
  name: election,
  namespace,
  identity,
  log: logger(),
  ...timings,
});
let current: Term | undefined;
let count = 0;

process.on('SIGTERM', () => stopping.abort());
process.on('message', (command: Command) => {
  if (command.kind === 'stop') stopping.abort();
  else void block(command.ms, command.queued);
});
// Whoever started this has gone: nothing may be left behind.
process.on('disconnect', () => process.exit(1));

elector.state$.subscribe(({ leader, phase }) => {
  if (phase === 'following' && leader !== undefined) report({ kind: 'following', at: now() });
});
await elector.run({ leading, signal: stopping.signal });
await connection.close();
process.disconnect();

async function leading(term: Term): Promise<void> {
  current = term;
  report({ kind: 'leading', at: now(), term: term.number, until: now() + term.remaining() });
  while (!term.signal.aborted) {
    await write(term);
    tellHeld(term);
    await sleep(systemClock, WRITE_EVERY, term.signal);
  }
  // As careless work does, one more.
  await write(term);
  current = undefined;
  report({ kind: 'stopped', at: now(), term: term.number });
}

function tellHeld(term: Term): void {
  const remaining = term.remaining();
  if (remaining > 0) report({ kind: 'held', at: now(), term: term.number, until: now() + remaining });
}

async function write(term: Term): Promise<string> {
  const key = { namespace, name: election };
  const data = {
    term: String(term.number),
    token: term.token,
    writer: identity,
    count: String((count += 1)),
    called: String(now()),
  };
  try {
    const client = new Client(connection);
    const writer = unfenced ? client.unfenced() : client.under(term);
    const patched = await writer.patch(ConfigMap, key, { type: 'merge', patch: { data } });
    const version = patched.metadata.resourceVersion;
    report({ kind: 'wrote', at: now(), term: term.number, token: term.token, count: data.count, version });
    return 'written';
  } catch (error) {
    const code = codeOf(error) ?? String(error);
    report({ kind: 'failed', at: now(), term: term.number, code });
    return code;
  }
}

async function block(ms: number, queued: number): Promise<void> {
  const term = current;
  const writes = term ? Array.from({ length: queued }, () => write(term)) : [];
  // Some leave, and the others wait behind them for a connection.
  if (queued > 1) await sleep(systemClock, 3);
  // Sleeps without turning the loop, and without taking a core from the others.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  const outcomes: Record<string, number> = {};
  for (const outcome of await Promise.all(writes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  report({ kind: 'unblocked', at: now(), queued: outcomes });
}

/** To the standard error, of which the parent keeps the end. */
function logger(): Logger {
  const say = (fields: object, message: string): void =>
    void process.stderr.write(`${now().toFixed(0)} ${message} ${JSON.stringify(fields)}\n`);
  const nothing = (): void => {};
  const log: Logger = { trace: nothing, debug: say, info: say, warn: say, error: say, child: () => log };
  return log;
}
