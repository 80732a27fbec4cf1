/** The simulation as a command: `--histories 20000 --seed 1`, `--work`, `--mutations`. See {@link USAGE}. */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type Batch, type Failure, emptyBatch, merge, runBatch } from './batch.js';
import { DISTRIBUTION } from './distribution/distribution.js';
import { ELECTION } from './election.js';
import { describeFault } from './fault.js';
import { shrink } from './shrink.js';

const USAGE = `simulate [--work] [--histories 20000] [--seed 1] [--threads <number>] [--mutations]

Runs so many histories of an election, each from a seed of its own, and checks after each what is promised.
--work simulates work groups instead: members that come and go, and items that are to be done.
The first that fails is shrunk to the faults that matter, and told event by event.
--mutations breaks it on purpose instead, in one way after the other, and tells after how many
histories each is noticed; --histories is then the number after which it gives up.
`;
const SUBJECTS = { election: ELECTION, work: DISTRIBUTION } as const;
/** More failures than these are only counted. */
const FAILURES_TOLD = 10;

interface Task {
  readonly subject: keyof typeof SUBJECTS;
  readonly seed: number;
  readonly count: number;
  readonly stride: number;
  /** Index of the mutation to look for, instead of running what is intact. */
  readonly mutation?: number;
}

const { stdout } = process;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      work: { type: 'boolean', default: false },
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
  const subject = values.work ? 'work' : 'election';
  const options: Options = { subject, histories, seed, threads: Math.max(Math.min(threads, histories), 1) };
  const fine = values.mutations ? await lookForMutations(options) : await runHistories(options);
  process.exitCode = fine ? 0 : 1;
}

interface Options {
  readonly subject: Task['subject'];
  readonly histories: number;
  readonly seed: number;
  readonly threads: number;
}

async function runHistories({ subject, histories, seed, threads }: Options): Promise<boolean> {
  const startedAt = performance.now();
  const total = emptyBatch();
  const shares = Array.from({ length: threads }, (_, index) => ({
    subject,
    seed: seed + index,
    count: Math.ceil((histories - index) / threads),
    stride: threads,
  }));
  await Promise.all(shares.map(async (task) => merge(total, await inThread(task))));
  tell(subject, total, (performance.now() - startedAt) / 1000);
  const [first] = total.failures.toSorted((a, b) => a.seed - b.seed);
  if (first) await explain(subject, first);
  return first === undefined;
}

function tell(
  subject: Task['subject'],
  { histories, events, virtualTime, counts, faults, failures }: Batch,
  seconds: number,
): void {
  const told = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  stdout.write(
    `${histories} histories in ${seconds.toFixed(1)} s: ${Math.round(virtualTime / 3_600_000)} hours, ${events} events, ` +
      `${told.join(', ')}, ${failures.length} failures.\nFaults:\n`,
  );
  const { faults: kinds, properties } = SUBJECTS[subject];
  for (const kind of kinds) stdout.write(`${String(faults[kind]).padStart(9)} ${kind}\n`);
  for (const { seed, property, what } of failures.slice(0, FAILURES_TOLD))
    stdout.write(`FAILED: seed ${seed}: ${properties[property]}. ${what}\n`);
}

async function explain(name: Task['subject'], { seed, property }: Failure): Promise<void> {
  const subject = SUBJECTS[name];
  const scenario = await shrink(subject, subject.scenarioOf(seed), { property });
  const flag = name === 'work' ? ' --work' : '';
  stdout.write(`\nTo repeat it: npm run simulate --${flag} --histories 1 --seed ${seed}\nWhat matters:\n`);
  for (const fault of scenario.faults) stdout.write(`  ${describeFault(fault)}\n`);
  stdout.write(`What happens, with only these faults:\n`);
  await subject.run(scenario, { trace: (line) => stdout.write(`  ${line}\n`) });
}

async function lookForMutations({ subject, histories, seed, threads }: Options): Promise<boolean> {
  const { mutations } = SUBJECTS[subject];
  const found: (Batch | undefined)[] = [];
  const waiting = Array.from(mutations.keys());
  const look = async (): Promise<void> => {
    for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift())
      found[mutation] = await inThread({ subject, seed, count: histories, stride: 1, mutation });
  };
  await Promise.all(Array.from({ length: threads }, look));
  for (const [index, { name }] of mutations.entries()) stdout.write(`${verdict(found[index])} ${name}\n`);
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

async function work({ subject, ...task }: Task): Promise<void> {
  // Errors are made and caught by the thousand; nobody looks at where they came from.
  Error.stackTraceLimit = 0;
  const untilFailure = task.mutation !== undefined;
  parentPort?.postMessage(await runBatch(SUBJECTS[subject], { ...task, untilFailure }));
}

await (isMainThread ? main() : work(workerData as Task));
