/** The simulation as a command: `--histories 20000 --seed 1`, `--mutations`. See {@link USAGE}. */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type Batch, type Failure, emptyBatch, merge, runBatch } from './batch.js';
import { FAULT_KINDS, describeFault } from './fault.js';
import { runHistory } from './history.js';
import { MUTATIONS } from './mutations.js';
import { PROPERTIES } from './referee.js';
import { scenarioOf } from './scenario.js';
import { shrink } from './shrink.js';

const USAGE = `simulate [--histories 20000] [--seed 1] [--threads <number>] [--mutations]

Runs so many histories of an election, each from a seed of its own, and checks after each what is promised.
The first that fails is shrunk to the faults that matter, and told event by event.
--mutations breaks the election on purpose instead, in one way after the other, and tells after how many
histories each is noticed; --histories is then the number after which it gives up.
`;
/** More failures than these are only counted. */
const FAILURES_TOLD = 10;

interface Task {
  readonly seed: number;
  readonly count: number;
  readonly stride: number;
  /** Index of the mutation to look for, instead of running intact electors. */
  readonly mutation?: number;
}

const { stdout } = process;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(os.availableParallelism()) },
      mutations: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [histories, seed, threads] = [values.histories, values.seed, values.threads].map(Number) as [
    number,
    number,
    number,
  ];
  if (values.help || ![histories, seed, threads].every((value) => Number.isSafeInteger(value) && value >= 0))
    return void stdout.write(USAGE);
  const options = { histories, seed, threads: Math.max(Math.min(threads, histories), 1) };
  const fine = values.mutations ? await lookForMutations(options) : await runHistories(options);
  process.exitCode = fine ? 0 : 1;
}

interface Options {
  readonly histories: number;
  readonly seed: number;
  readonly threads: number;
}

async function runHistories({ histories, seed, threads }: Options): Promise<boolean> {
  const startedAt = performance.now();
  const total = emptyBatch();
  const shares = Array.from({ length: threads }, (_, index) => ({
    seed: seed + index,
    count: Math.ceil((histories - index) / threads),
    stride: threads,
  }));
  await Promise.all(shares.map(async (task) => merge(total, await inThread(task))));
  tell(total, (performance.now() - startedAt) / 1000);
  const [first] = total.failures.toSorted((a, b) => a.seed - b.seed);
  if (first) await explain(first);
  return first === undefined;
}

function tell(
  { histories, handovers, writes, events, virtualTime, faults, failures }: Batch,
  seconds: number,
): void {
  stdout.write(
    `${histories} histories in ${seconds.toFixed(1)} s: ${Math.round(virtualTime / 3_600_000)} hours, ${events} events, ` +
      `${handovers} handovers, ${writes} writes accepted, ${failures.length} failures.\nFaults:\n`,
  );
  for (const kind of FAULT_KINDS) stdout.write(`${String(faults[kind]).padStart(9)} ${kind}\n`);
  for (const { seed, property, what } of failures.slice(0, FAILURES_TOLD))
    stdout.write(`FAILED: seed ${seed}: ${PROPERTIES[property]}. ${what}\n`);
}

async function explain({ seed, property }: Failure): Promise<void> {
  const scenario = await shrink(scenarioOf(seed), property);
  stdout.write(`\nTo repeat it: npm run simulate -- --histories 1 --seed ${seed}\nWhat matters:\n`);
  for (const fault of scenario.faults) stdout.write(`  ${describeFault(fault)}\n`);
  stdout.write(`What happens, with only these faults:\n`);
  await runHistory(scenario, { trace: (line) => stdout.write(`  ${line}\n`) });
}

async function lookForMutations({ histories, seed, threads }: Options): Promise<boolean> {
  const found: (Batch | undefined)[] = [];
  const waiting = Array.from(MUTATIONS.keys());
  const look = async (): Promise<void> => {
    for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift())
      found[mutation] = await inThread({ seed, count: histories, stride: 1, mutation });
  };
  await Promise.all(Array.from({ length: threads }, look));
  for (const [index, { name }] of MUTATIONS.entries()) stdout.write(`${verdict(found[index])} ${name}\n`);
  return found.every((batch) => batch !== undefined && batch.failures.length > 0);
}

function verdict(batch: Batch | undefined): string {
  const [failure] = batch?.failures ?? [];
  const caught = failure ? `after ${batch?.histories}` : 'NOT CAUGHT';
  return `${caught.padStart(12)}  ${(failure?.property ?? '').padEnd(25)}`;
}

function inThread(task: Task): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function work({ mutation, ...task }: Task): Promise<void> {
  // Errors are made and caught by the thousand; nobody looks at where they came from.
  Error.stackTraceLimit = 0;
  const broken = mutation === undefined ? undefined : MUTATIONS[mutation];
  const batch = await runBatch(broken ? { ...task, mutation: broken, untilFailure: true } : task);
  parentPort?.postMessage(batch);
}

await (isMainThread ? main() : work(workerData as Task));
