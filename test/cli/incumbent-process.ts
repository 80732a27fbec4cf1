/** `incumbent` as a process, and what it told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
export const BEACON = fileURLToPath(new URL('./beacon.mjs', import.meta.url));

export interface Told {
  readonly t: number;
  readonly id: string;
  readonly event: 'leading' | 'stopped' | 'leader';
  readonly holder: string;
  readonly term: number;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Those that run now: ended with this process, stopped ones too. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class IncumbentProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #finished: Promise<Finished>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    running.add(this.#child);
    this.pid = this.#child.pid as number;
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    // Its output may stay open for longer: the command has it too.
    this.#exited = once(this.#child, 'exit').then(() => running.delete(this.#child));
    this.#finished = once(this.#child, 'close').then(([status]) => ({
      status: status as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  /** When it has ended and nobody has its output open any more. */
  finished(): Promise<Finished> {
    return this.#finished;
  }

  /** Ends it, whatever of its command may be left. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Lines of `--json`. */
  get told(): readonly Told[] {
    return this.#stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Told);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Process ids of the children of a process: guardians of an `incumbent`, the command of a guardian. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 2);
      return Number(parent) === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Whether it runs, or waits to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** What a guardian that does not do its duty leaves behind is not left to the machine. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}
