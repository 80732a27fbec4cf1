import { isIncumbentError } from '@incumbent/core/client';
import { Lock, LockHeldError, LockLostError, LockTimeoutError } from '@incumbent/election';
import { type ClusterOptions, connected, leaseName } from '../command-line/cluster.js';
import { explain } from '../command-line/failure.js';
import {
  type CandidateOptions,
  type CommandLine,
  GuardedCommand,
  assertExecutable,
  electionOptions,
} from '../command-line/guarded-command.js';
import { warningsTo } from '../command-line/log.js';
import type { StopSignal, System } from '../command-line/system.js';
import { ExitStatus, exitStatusOf, exitStatusOfSignal } from '../guard/exit-status.js';
import type { GuardedRun } from '../guard/guarded-run.js';

export interface LockCommandOptions extends ClusterOptions, CandidateOptions {
  /** Milliseconds. */
  readonly timeout?: number;
  readonly try?: boolean;
}

/** Runs a command under a lock. Resolves to the exit status. */
export async function lock(line: CommandLine, options: LockCommandOptions, system: System): Promise<number> {
  const command = new GuardedCommand(line, options, system);
  await assertExecutable(line, system);
  return connected(system, options, async (connection) => {
    const { clock, random, stderr } = system;
    const log = warningsTo(stderr);
    const election = electionOptions(options);
    const wanted = new Lock({
      ...election,
      ...leaseName(options.lease, connection),
      connection,
      clock,
      random,
      log,
    });
    return new Attempt(wanted, command, system).run(options);
  });
}

class Attempt {
  readonly #lock: Lock;
  readonly #command: GuardedCommand;
  readonly #system: System;
  readonly #stopping = new AbortController();
  #signals = 0;
  #running: GuardedRun | undefined;

  constructor(wanted: Lock, command: GuardedCommand, system: System) {
    this.#lock = wanted;
    this.#command = command;
    this.#system = system;
  }

  async run({ timeout, try: once }: LockCommandOptions): Promise<number> {
    const deaf = this.#system.onSignal((signal) => this.#signalled(signal));
    const waiting = this.#tellWaiting();
    try {
      return await this.#lock.run(
        async (term) => {
          waiting.end();
          this.#running = this.#command.start(term);
          const ending = await this.#running.ended;
          if (ending.kind === 'failed') this.#complain(ending.message);
          if (ending.kind === 'ended' && ending.by === 'deadline') return this.#lost();
          return exitStatusOf(ending);
        },
        { timeout, try: once, signal: this.#stopping.signal },
      );
    } catch (error) {
      waiting.end();
      return this.#statusOf(error);
    } finally {
      deaf();
    }
  }

  #statusOf(error: unknown): number {
    if (isIncumbentError(error, 'LOCK_ABORTED'))
      return exitStatusOfSignal(this.#stopping.signal.reason as StopSignal);
    this.#complain(explain(error));
    if (error instanceof LockLostError) return ExitStatus.lockLost;
    const isNotHad = error instanceof LockHeldError || error instanceof LockTimeoutError;
    return isNotHad ? ExitStatus.lockNotHad : ExitStatus.failed;
  }

  /** The renewals came too late for the command, though perhaps not for the lock. */
  #lost(): number {
    this.#complain(
      `${this.#lock.name} could not be renewed in time: the command was ended before it had done its work.`,
    );
    return ExitStatus.lockLost;
  }

  #signalled(signal: StopSignal): void {
    if (signal === 'SIGPIPE') return;
    this.#signals += 1;
    if (this.#signals === 1) this.#stopping.abort(signal);
    else if (this.#signals === 2) this.#running?.kill();
    else this.#system.exit(exitStatusOfSignal(signal));
  }

  #tellWaiting(): { end(): void } {
    const { stderr } = this.#system;
    if (!stderr.isTTY) return { end: () => {} };
    stderr.write(`Waiting for ${this.#lock.name}...`);
    let ended = false;
    return {
      end: () => {
        if (!ended) stderr.write('\r\u001b[K');
        ended = true;
      },
    };
  }

  #complain(problem: string): void {
    this.#system.stderr.write(`incumbent: ${problem}\n`);
  }
}
