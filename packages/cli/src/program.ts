/** The command line of `incumbent`: which commands there are, what they take, and what their exit statuses are. */
import { Command, CommanderError, Option } from 'commander';
import { withClusterOptions } from './command-line/cluster.js';
import { duration } from './command-line/duration.js';
import { CommandFailure, explain } from './command-line/failure.js';
import { withCandidateOptions } from './command-line/guarded-command.js';
import type { System } from './command-line/system.js';
import { type ElectOptions, elect } from './elect/elect.js';
import { ExitStatus } from './guard/exit-status.js';
import { type HandoverOptions, type ReleaseOptions, handover, release } from './lease/hand-on.js';
import { type ListOptions, type ShowOptions, get, list } from './lease/show.js';
import { watch } from './lease/watch.js';
import { type LockCommandOptions, lock } from './lock/lock.js';

export interface Invocation {
  /** As it was called: `incumbent` or `kubectl incumbent`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly version: string;
}

/** Runs one command line, and resolves to its exit status. Never rejects. */
export async function run({ name, args, version }: Invocation, system: System): Promise<number> {
  const outcome: Outcome = { status: 0, isWrapper: false };
  const program = programFor(name, version, { system, outcome });
  try {
    await program.parseAsync(args, { from: 'user' });
    return outcome.status;
  } catch (error) {
    if (error instanceof CommanderError) return statusOfUsage(error, outcome);
    system.stderr.write(`incumbent: ${explain(error)}\n`);
    const status = error instanceof CommandFailure ? error.status : undefined;
    return status ?? (outcome.isWrapper ? ExitStatus.failed : 1);
  }
}

interface Outcome {
  status: number;
  /** Whether the status is that of another program, with few left for us. */
  isWrapper: boolean;
}

interface Wiring {
  readonly system: System;
  readonly outcome: Outcome;
}

function statusOfUsage({ exitCode }: CommanderError, { isWrapper }: Outcome): number {
  if (exitCode === 0) return 0;
  return isWrapper ? ExitStatus.failed : 2;
}

function programFor(name: string, version: string, wiring: Wiring): Command {
  const { stdout, stderr } = wiring.system;
  const program = withClusterOptions(new Command(name))
    .description('Leases, and leadership and locks for any program, on a Kubernetes cluster.')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'incumbent: ')),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .showHelpAfterError('Try --help.')
    .hook('preSubcommand', (_, command) => {
      wiring.outcome.isWrapper ||= ['elect', 'lock'].includes(command.name());
    });
  addElect(program, wiring);
  addLock(program, wiring);
  addLease(program, wiring);
  return program;
}

function addElect(program: Command, { system, outcome }: Wiring): void {
  const command = program
    .command('elect')
    .description('run a program only while this replica leads')
    .argument('<command>', 'the program; options before it are ours, those after it its own')
    .argument('[args...]')
    .passThroughOptions();
  withClusterOptions(withCandidateOptions(command))
    .option('--json', 'print a line of JSON for each event on standard output')
    .addHelpText('after', examples(program, ELECT_EXAMPLES))
    .action(async (name: string, args: string[], _: unknown, called: Command) => {
      outcome.status = await elect({ command: name, args }, optionsOf<ElectOptions>(called), system);
    });
}

function addLock(program: Command, { system, outcome }: Wiring): void {
  const command = program
    .command('lock')
    .description('run a program under a lock that the whole cluster knows')
    .argument('<command>', 'the program; options before it are ours, those after it its own')
    .argument('[args...]')
    .passThroughOptions();
  withClusterOptions(withCandidateOptions(command))
    .option('--timeout <time>', 'wait no longer than that for the lock (default: for ever)', duration)
    .option('--try', 'do not wait')
    .addHelpText('after', examples(program, LOCK_EXAMPLES))
    .action(async (name: string, args: string[], _: unknown, called: Command) => {
      outcome.status = await lock({ command: name, args }, optionsOf<LockCommandOptions>(called), system);
    });
}

function addLease(program: Command, { system, outcome }: Wiring): void {
  const lease = withClusterOptions(program.command('lease')).description(
    'look at leases, and ask for handovers',
  );
  withSelection(withClusterOptions(lease.command('list').alias('ls')))
    .description('all leases of a namespace, or of the cluster')
    .addOption(outputOption(['wide', 'json', 'yaml']))
    .addHelpText('after', examples(program, LIST_EXAMPLES))
    .action(async (_: unknown, called: Command) => {
      outcome.status = await list(optionsOf<ListOptions>(called), system);
    });
  withClusterOptions(lease.command('get'))
    .description('some leases by name')
    .argument('<names...>', 'NAME, or NAMESPACE/NAME')
    .addOption(outputOption(['wide', 'json', 'yaml']))
    .action(async (names: string[], _: unknown, called: Command) => {
      outcome.status = await get(names, optionsOf<ShowOptions>(called), system);
    });
  withSelection(withClusterOptions(lease.command('watch')))
    .description('leases as they change, until Ctrl-C')
    .argument('[name]', 'NAME, or NAMESPACE/NAME (default: all)')
    .addOption(outputOption(['wide', 'json']))
    .addHelpText('after', examples(program, WATCH_EXAMPLES))
    .action(async (name: string | undefined, _: unknown, called: Command) => {
      outcome.status = await watch(name, optionsOf<ListOptions>(called), system);
    });
  addHandOn(program, lease, { system, outcome });
}

function addHandOn(program: Command, lease: Command, { system, outcome }: Wiring): void {
  withClusterOptions(lease.command('handover'))
    .description('ask the leader to hand over, and wait for the next one')
    .argument('<name>', 'NAME, or NAMESPACE/NAME')
    .option('--to <replica>', 'who is to be the next: an identity, or the name of a pod')
    .addOption(patience())
    .addHelpText('after', examples(program, HANDOVER_EXAMPLES))
    .action(async (name: string, _: unknown, called: Command) => {
      outcome.status = await handover(name, optionsOf<HandoverOptions>(called), system);
    });
  withClusterOptions(lease.command('release'))
    .description('ask the leader to release the lease, and wait until it has')
    .argument('<name>', 'NAME, or NAMESPACE/NAME')
    .option('--force', 'do not ask: remove the name of the holder, who may still work')
    .addOption(patience())
    .addHelpText('after', examples(program, RELEASE_EXAMPLES))
    .action(async (name: string, _: unknown, called: Command) => {
      outcome.status = await release(name, optionsOf<ReleaseOptions>(called), system);
    });
}

function withSelection(command: Command): Command {
  return command
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <labels>', 'only those with these labels: app=web,tier in (a,b)');
}

function patience(): Option {
  return new Option('--timeout <time>', 'how long to wait').argParser(duration).default(60_000, '1m');
}

/** Those of the cluster may stand before the command too, as kubectl's. */
function optionsOf<T>(called: Command): T {
  const { parent } = called;
  return { ...(parent ? optionsOf<object>(parent) : {}), ...called.opts() } as T;
}

function outputOption(formats: readonly string[]): Option {
  return new Option('-o, --output <format>', 'another form than a short table').choices(formats);
}

function examples(program: Command, lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${program.name()} ${line}`).join('\n')}\n`;
}

const ELECT_EXAMPLES = [
  'elect --lease jobs/mailer -- node mailer.js',
  'elect --lease mailer --preset fast --json -- ./mailer --port 80',
];
const LOCK_EXAMPLES = [
  'lock --lease jobs/migration --timeout 10m -- ./migrate.sh',
  "lock --lease backup --try -- sh -c 'pg_dump > dump.sql'",
];
const LIST_EXAMPLES = ['lease list -A', 'lease list -n kube-system -o json'];
const WATCH_EXAMPLES = ['lease watch -A', 'lease watch jobs/mailer -o json'];
const HANDOVER_EXAMPLES = ['lease handover jobs/mailer --to mailer-2'];
const RELEASE_EXAMPLES = ['lease release jobs/mailer', 'lease release jobs/mailer --force'];
