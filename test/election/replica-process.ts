/** The parent's side of a replica: starts it, sends it signals and commands, and keeps what it told. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Command, ReplicaSetup, Report } from './replica.js';

const PROGRAM = fileURLToPath(new URL('./replica.ts', import.meta.url));
const MAX_LAST_WORDS = 12_000;

/** Those that run now: killed with this process, frozen ones too. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export type ReportListener = (report: Report, from: ReplicaProcess) => void;

export class ReplicaProcess {
  readonly identity: string;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  /** When it had ended, as this process saw it. */
  endedAt = Number.POSITIVE_INFINITY;
  /** It follows, or has led: it has seen the Lease. */
  ready = false;
  /** Set by whoever ends it: any other end is a fault. */
  expectedToEnd = false;
  readonly #child: ChildProcess;
  #lastWords = '';

  constructor(setup: ReplicaSetup, listener: ReportListener) {
    this.identity = setup.identity;
    this.#child = fork(PROGRAM, [JSON.stringify(setup)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    running.add(this.#child);
    this.#child.on('message', (message) => {
      this.ready = true;
      listener(message as Report, this);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
    });
    this.ended = once(this.#child, 'close').then(() => {
      this.endedAt = monotonic();
      running.delete(this.#child);
    });
  }

  get hasEnded(): boolean {
    return Number.isFinite(this.endedAt);
  }

  /** The end of its standard error. */
  get lastWords(): string {
    return this.#lastWords;
  }

  send(command: Command): void {
    this.#child.send(command);
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.expectedToEnd = true;
    this.#child.kill(signal);
  }
}
