import { type Connection, type Term } from '@incumbent/core/client';
import { LeaderElector, replicaIdentity } from '@incumbent/election';
import { type ClusterOptions, connected, leaseName } from '../command-line/cluster.js';
import {
  type CandidateOptions,
  type CommandLine,
  GuardedCommand,
  assertExecutable,
  electionOptions,
} from '../command-line/guarded-command.js';
import { warningsTo } from '../command-line/log.js';
import type { StopSignal, System } from '../command-line/system.js';
import { exitStatusOf } from '../guard/exit-status.js';
import type { Ending, GuardedRun } from '../guard/guarded-run.js';
import { type ElectionEvent, describeEvent } from './election-event.js';

export interface ElectOptions extends ClusterOptions, CandidateOptions {
  readonly json?: boolean;
}

/** Runs a command whenever this replica leads. Resolves to the exit status. */
export async function elect(line: CommandLine, options: ElectOptions, system: System): Promise<number> {
  const command = new GuardedCommand(line, options, system);
  await assertExecutable(line, system);
  return connected(system, options, (connection) =>
    new Candidacy(command, options, { system, connection }).run(),
  );
}

interface Surroundings {
  readonly system: System;
  readonly connection: Connection;
}

class Candidacy {
  readonly #command: GuardedCommand;
  readonly #system: System;
  readonly #json: boolean;
  readonly #elector: LeaderElector;
  readonly #stopping = new AbortController();
  #signals = 0;
  #running: GuardedRun | undefined;
  #status = 0;
  #leader = '';

  constructor(command: GuardedCommand, options: ElectOptions, { system, connection }: Surroundings) {
    this.#command = command;
    this.#system = system;
    this.#json = options.json ?? false;
    const { clock, random, stderr, environment } = system;
    this.#elector = new LeaderElector({
      ...electionOptions(options),
      ...leaseName(options.lease, connection),
      identity: options.identity ?? replicaIdentity(random, environment),
      connection,
      clock,
      random,
      log: warningsTo(stderr),
    });
  }

  async run(): Promise<number> {
    const elector = this.#elector;
    const deaf = this.#system.onSignal((signal) => this.#signalled(signal));
    elector.state$.subscribe(({ leader = '', term }) => this.#seen(leader, term));
    try {
      await elector.run({ leading: (term) => this.#lead(term), signal: this.#stopping.signal });
    } finally {
      deaf();
    }
    return this.#status;
  }

  async #lead(term: Term): Promise<void> {
    const { identity } = this.#elector;
    this.#tell('leading', identity, term.number);
    this.#running = this.#command.start(term, identity);
    const ending = await this.#running.ended;
    this.#running = undefined;
    this.#tell('stopped', identity, term.number, ending.at);
    this.#judge(ending);
  }

  /** A command that ended because its term did is started again in the next; any other end is ours. */
  #judge(ending: Ending): void {
    const isOver = ending.kind === 'failed' || ending.by === 'itself' || this.#stopping.signal.aborted;
    if (!isOver) return;
    this.#status = exitStatusOf(ending);
    if (ending.kind === 'failed') this.#system.stderr.write(`incumbent: ${ending.message}\n`);
    this.#stopping.abort();
  }

  /** Leading goes on for a command that has no reader any more: it decides itself what that means. */
  #signalled(signal: StopSignal): void {
    if (signal === 'SIGPIPE') return;
    this.#signals += 1;
    if (this.#signals === 1) this.#stopping.abort();
    else if (this.#signals === 2) this.#running?.kill();
    else this.#system.exit(130);
  }

  #seen(leader: string, term = 0): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#tell('leader', leader, term);
  }

  #tell(event: ElectionEvent['event'], holder: string, term: number, t = this.#now()): void {
    const { stdout, stderr } = this.#system;
    const told: ElectionEvent = { t, id: this.#elector.identity, event, holder, term };
    if (this.#json) stdout.write(`${JSON.stringify(told)}\n`);
    else stderr.write(`incumbent: ${describeEvent(told)}\n`);
  }

  #now(): number {
    return this.#system.clock.wall().getTime();
  }
}
