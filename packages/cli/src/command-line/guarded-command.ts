/** What `elect` and `lock` share: options of an election, and a command that runs while a term lasts. */
import type { Term } from '@incumbent/core/client';
import { type ElectionPreset, type ResolvedTimings, resolveTimings } from '@incumbent/election';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ExitStatus } from '../guard/exit-status.js';
import { findCommand } from '../guard/find-command.js';
import { GuardedRun } from '../guard/guarded-run.js';
import { marginsOf } from '../guard/margins.js';
import { duration } from './duration.js';
import { CommandFailure } from './failure.js';
import type { System } from './system.js';

export interface CandidateOptions {
  readonly lease: string;
  readonly identity?: string;
  readonly preset?: ElectionPreset;
  /** Milliseconds, these and the following. */
  readonly leaseDuration?: number;
  readonly renewDeadline?: number;
  readonly renewInterval?: number;
  readonly retryPeriod?: number;
  readonly grace: number;
}

const PRESETS: readonly ElectionPreset[] = ['fast', 'balanced', 'slow'];
const GRACE = 20_000;

export function withCandidateOptions(command: Command): Command {
  return command
    .requiredOption('--lease <name>', 'the Lease: NAMESPACE/NAME, or NAME; made where it is absent')
    .option('--identity <id>', 'written into the Lease as the holder; must differ between replicas', notEmpty)
    .addOption(new Option('--preset <name>', 'timings of the election').choices(PRESETS).default('balanced'))
    .option('--lease-duration <time>', 'how long a silent holder is left alone; whole seconds', duration)
    .option('--renew-deadline <time>', 'how long after its last renewal a holder goes on', duration)
    .option('--renew-interval <time>', 'time between renewals', duration)
    .option('--retry-period <time>', 'time between attempts after a failed one', duration)
    .addOption(
      new Option('--grace <time>', 'between SIGTERM and SIGKILL for COMMAND')
        .argParser(duration)
        .default(GRACE, '20s'),
    );
}

function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It may not be empty: that is how a released Lease looks.');
  return text;
}

/** What an elector is to be told. Its own grace is longer, so that the lease is released also after a command that had to be killed. */
export function electionOptions(options: CandidateOptions) {
  const { identity, preset, leaseDuration, renewDeadline, renewInterval, retryPeriod, grace } = options;
  const timings = { leaseDuration, renewDeadline, renewInterval, retryPeriod, drainGrace: grace + 5000 };
  return { identity, preset, ...timings };
}

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** @throws {@link CommandFailure} with a shell's status for a command that can't be started */
export async function assertExecutable({ command }: CommandLine, { environment }: System): Promise<void> {
  const found = await findCommand(command, environment['PATH']);
  if (found === 'not found')
    throw new CommandFailure(`${command}: there is no such command. Is it on the PATH?`, ExitStatus.notFound);
  if (found === 'not executable')
    throw new CommandFailure(
      `${command} can't be executed: is it a program, with the right to be run?`,
      ExitStatus.notExecutable,
    );
}

/** Runs command lines under terms, one at a time. */
export class GuardedCommand {
  readonly #line: CommandLine;
  readonly #system: System;
  readonly #grace: number;
  readonly #timings: ResolvedTimings;

  /** @throws {@link ElectionOptionsError} when the timings don't fit each other */
  constructor(line: CommandLine, options: CandidateOptions, system: System) {
    this.#line = line;
    this.#system = system;
    this.#grace = options.grace;
    this.#timings = resolveTimings(electionOptions(options));
  }

  /** `identity`: of the holder, where the command is to know it. */
  start(term: Term, identity?: string): GuardedRun {
    const { guardians, clock, moment, environment } = this.#system;
    const ours = {
      INCUMBENT_TERM: String(term.number),
      INCUMBENT_TOKEN: term.token,
      ...(identity === undefined ? {} : { INCUMBENT_IDENTITY: identity }),
    };
    return new GuardedRun(
      term,
      { ...this.#line, environment: { ...environment, ...ours } },
      { guardians, clock, moment, margins: marginsOf(this.#timings), grace: this.#grace },
    );
  }
}
