/** The parent's side of a replica. */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Measurement, Order, ReplicaSetup, Report } from './replica.js';

const PROGRAM = fileURLToPath(new URL('./replica.ts', import.meta.url));
const MAX_LAST_WORDS = 2000;

export class ReplicaProcess {
  leads = false;
  readonly #child: ChildProcess;
  readonly #reports = new EventEmitter();
  #lastWords = '';
  #stopping = false;
  #end: Error | undefined;

  constructor(setup: ReplicaSetup) {
    this.#child = fork(PROGRAM, [JSON.stringify(setup)], {
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
    });
    this.#child.on('message', (message) => this.#hear(message as Report));
    this.#child.on('close', (code, signal) => {
      if (this.#stopping) return;
      this.#end = new Error(`A replica ended (${code ?? signal}). ${this.#lastWords}`);
      this.#reports.emit('error', this.#end);
    });
    // Whoever waits for a report hears of it; nobody else must.
    this.#reports.on('error', () => {});
  }

  async measure(): Promise<Measurement> {
    return (await this.#ask('measure', 'measured')) as Measurement;
  }

  /** Resolves with what was left over. */
  async stop(): Promise<readonly string[]> {
    this.#stopping = true;
    const report = await this.#ask('stop', 'stopped');
    return report.kind === 'stopped' ? report.leftovers : [];
  }

  kill(): void {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
  }

  async #ask(order: Order, answer: Report['kind']): Promise<Report> {
    if (this.#end) throw this.#end;
    const answered = once(this.#reports, answer, { signal: AbortSignal.timeout(60_000) });
    this.#child.send(order);
    const [report] = (await answered) as [Report];
    return report;
  }

  #hear(report: Report): void {
    if (report.kind === 'leads' || report.kind === 'follows') this.leads = report.kind === 'leads';
    this.#reports.emit(report.kind, report);
  }
}
