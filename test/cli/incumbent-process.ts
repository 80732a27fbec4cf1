/** `incumbent` as a process, and what it told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
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
    const [exited, closed] = [once(this.#child, 'exit'), once(this.#child, 'close')];
    this.#finished = exited.then(async ([status]) => {
      await closed;
      running.delete(this.#child);
      return { status: status as number | null, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** When it has ended and nobody has its output open any more. */
  finished(): Promise<Finished> {
    return this.#finished;
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

/** Whether it has said what it will do on SIGTERM. */
export function heedsSigterm(pid: number): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & (1n << BigInt(os.constants.signals.SIGTERM - 1))) !== 0n;
}
