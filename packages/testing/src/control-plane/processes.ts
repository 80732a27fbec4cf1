/** The test's side of the supervisor: starts and ends server processes that never outlive the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestServerError } from './error.js';
import type { Order, Report } from './supervisor.js';

/** Beside this file, and of its kind: compiled, or a source that Node runs as it is. */
const script = fileURLToPath(new URL(`./supervisor${path.extname(import.meta.url)}`, import.meta.url));

export class Processes {
  /** The servers' own folder, removed with them. Their output is in `<name>.log`. */
  readonly folder: string;
  readonly #supervisor: ChildProcess;
  readonly #ends = new EventEmitter();
  readonly #running = new Map<string, number>();

  private constructor(supervisor: ChildProcess, folder: string) {
    this.folder = folder;
    this.#supervisor = supervisor;
    supervisor.on('message', (news: Report) => this.#note(news));
    supervisor.on('exit', () => this.#noteAll());
  }

  static async open(): Promise<Processes> {
    const supervisor = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
      // A group of its own: Ctrl-C in the terminal must reach the test only, and the supervisor through it.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [news] = (await Promise.race([once(supervisor, 'message'), failure(supervisor)])) as [Report];
    if (news.is !== 'ready')
      throw new TestServerError('CONTROL_PLANE_SUPERVISOR', 'The supervisor spoke out of turn.');
    return new Processes(supervisor, news.folder);
  }

  start(name: string, command: string, args: readonly string[]): void {
    this.#running.set(name, 0);
    this.#tell({ do: 'start', name, command, args });
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  /** By name, as far as they have started. */
  get pids(): ReadonlyMap<string, number> {
    return this.#running;
  }

  /** Resolves with how it ended, once it has. */
  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    if (!this.#running.has(name)) return;
    const ended = once(this.#ends, name);
    this.#tell({ do: 'kill', name, signal });
    await ended;
  }

  /** Calls `listener` once when the process ends; the result forgets it. */
  onceEnded(name: string, listener: (how: string) => void): () => void {
    this.#ends.once(name, listener);
    return () => this.#ends.off(name, listener);
  }

  /** All that the process has written so far. */
  log(name: string): string {
    try {
      return readFileSync(path.join(this.folder, `${name}.log`), 'utf8');
    } catch {
      return '';
    }
  }

  /** Ends every process and removes the folder. */
  async close(): Promise<void> {
    if (this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null) return;
    const gone = once(this.#supervisor, 'exit');
    this.#tell({ do: 'end' });
    await gone;
  }

  #tell(order: Order): void {
    // A supervisor that is gone took its processes along: their ends are reported, and that is answer enough.
    this.#supervisor.send(order, () => {});
  }

  #note(news: Report): void {
    if (news.is === 'started') this.#running.set(news.name, news.pid);
    if (news.is === 'ended') this.#noteEnd(news.name, news.how);
  }

  #noteAll(): void {
    for (const name of this.#running.keys()) this.#noteEnd(name, 'went with its supervisor');
  }

  #noteEnd(name: string, how: string): void {
    this.#running.delete(name);
    this.#ends.emit(name, how);
  }
}

async function failure(supervisor: ChildProcess): Promise<never> {
  const [code] = (await once(supervisor, 'exit')) as [number | null];
  throw new TestServerError(
    'CONTROL_PLANE_SUPERVISOR',
    `The supervisor of the control plane ended with code ${code}.`,
  );
}
