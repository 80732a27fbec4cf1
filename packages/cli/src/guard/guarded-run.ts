import { type Clock, type Term, sleep } from '@incumbent/core/client';
import type { EndReport, Margins, Moment, Report } from '../guardian/protocol.js';
import type { Channel, Guardians } from './channel.js';

/** A command line, and the environment it runs in. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface GuardOptions {
  readonly guardians: Guardians;
  readonly clock: Clock;
  /** The clocks that the guardian reads too. */
  readonly moment: () => Moment;
  readonly margins: Margins;
  /** Milliseconds between SIGTERM and SIGKILL for a command that is asked to end. */
  readonly grace: number;
}

export type Ending =
  | EndReport
  /** It was not started, or its guardian was not: `code` as Node has it. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly at: number };

/** Milliseconds for the guardian to do its duty before we do it. */
const GUARDIAN_LATE = 1000;
const LOOK = 10;

/**
 * A command that runs under a term. Its guardian is told until when the term lasts, again and again, and ends the command before; so it needs
 * nothing of this process to do so.
 */
export class GuardedRun {
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  readonly #options: GuardOptions;
  readonly #term: Term;
  readonly #channel: Channel;
  readonly #cancels = new Set<() => void>();
  #deadline: Moment;
  #pid: number | undefined;
  #settle: (ending: Ending) => void = () => {};
  #over = false;

  constructor(term: Term, { command, args, environment }: Command, options: GuardOptions) {
    const { guardians, margins, grace } = options;
    this.#options = options;
    this.#term = term;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#deadline = this.#termEnd();
    this.#channel = guardians.start({
      report: (report) => this.#reported(report),
      closed: (problem) => void this.#guardianEnded(problem),
    });
    this.#channel.send({
      kind: 'start',
      command,
      args,
      environment,
      deadline: this.#deadline,
      margins,
      grace,
    });
    this.#beat();
    if (term.signal.aborted) this.#stop();
    else term.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Ends it now. */
  kill(): void {
    this.#channel.send({ kind: 'kill' });
    this.#forceIn(GUARDIAN_LATE);
  }

  readonly #onAbort = (): void => this.#stop();

  #stop(): void {
    const { grace } = this.#options;
    this.#channel.send({ kind: 'stop', grace });
    this.#forceIn(this.#term.remaining() > 0 ? grace + GUARDIAN_LATE : this.#untilDeadline());
  }

  /** Lets the guardian know of renewals. The message may be late, what it says is not. */
  #beat(): void {
    const end = this.#termEnd();
    if (end.monotonic > this.#deadline.monotonic + 1) {
      this.#deadline = end;
      this.#channel.send({ kind: 'extend', deadline: end });
    }
    const { margins } = this.#options;
    this.#after(Math.min(Math.max(margins.terminate / 4, 20), 1000), () => this.#beat());
  }

  /** The clock is read before the term: a pause between the two makes the deadline too early, never too late. */
  #termEnd(): Moment {
    const { monotonic, uptime } = this.#options.moment();
    const remaining = this.#term.remaining();
    return { monotonic: monotonic + remaining, uptime: uptime + remaining };
  }

  #untilDeadline(): number {
    return Math.max(this.#deadline.monotonic - this.#options.moment().monotonic, 0);
  }

  /** A guardian that is stopped or hung is ended, and its command with it. */
  #forceIn(delay: number): void {
    this.#after(delay, () => this.#channel.destroy());
  }

  #reported(report: Report): void {
    if (report.kind === 'started') this.#pid = report.pid;
    else this.#end(report.kind === 'failed' ? { ...report, at: this.#wall() } : report);
  }

  /** Without a report: so its command may still run. */
  async #guardianEnded(problem: string): Promise<void> {
    if (this.#over) return;
    const { guardians, clock } = this.#options;
    const pid = this.#pid;
    if (pid === undefined) {
      const message = `The guardian of the command did not start: ${problem}.`;
      return this.#end({ kind: 'failed', code: 'GUARDIAN', message, at: this.#wall() });
    }
    guardians.signalSession(pid, 'SIGKILL');
    const patience = clock.monotonic() + GUARDIAN_LATE;
    while (guardians.isSessionAlive(pid) && clock.monotonic() < patience) await sleep(clock, LOOK);
    const by = this.#term.signal.aborted ? 'order' : 'itself';
    this.#end({ kind: 'ended', code: null, signal: 'SIGKILL', by, at: this.#wall() });
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#term.signal.removeEventListener('abort', this.#onAbort);
    for (const cancel of this.#cancels) cancel();
    this.#settle(ending);
  }

  #wall(): number {
    return this.#options.clock.wall().getTime();
  }

  #after(delay: number, task: () => void): void {
    const cancel = this.#options.clock.schedule(delay, () => {
      this.#cancels.delete(cancel);
      task();
    });
    this.#cancels.add(cancel);
  }
}
