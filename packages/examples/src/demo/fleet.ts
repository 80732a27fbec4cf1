/** Keeps a number of replicas running as processes, as a Deployment would: one that ends returns under a new name. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

/** As a Deployment's back-off: a moment to see that one is gone. */
const RESTART_AFTER = 2000;

export type ReplicaState = 'running' | 'paused' | 'stopping' | 'dead';

export interface Replica {
  readonly pod: string;
  readonly pid: number | undefined;
  readonly state: ReplicaState;
  /** What it died of, where that was nobody's wish. */
  readonly ended: string | undefined;
}

export interface FleetOptions {
  /** What each process runs. */
  readonly script: URL;
  /** Names of the replicas begin with it. */
  readonly name: string;
  readonly size: number;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logDirectory: string;
  readonly onChange: () => void;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #slots: Slot[] = [];
  #ending = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get replicas(): readonly Replica[] {
    return this.#slots;
  }

  start(): void {
    for (let index = 0; index < this.#options.size; index += 1)
      this.#slots.push(new Slot(this.#options, () => !this.#ending));
    this.#options.onChange();
  }

  kill(pod: string): boolean {
    return this.#signal(pod, 'SIGKILL', 'dead');
  }

  /** As a kubelet does when a pod is deleted. */
  stop(pod: string): boolean {
    return this.#signal(pod, 'SIGTERM', 'stopping');
  }

  pause(pod: string): boolean {
    return this.#signal(pod, 'SIGSTOP', 'paused');
  }

  resume(pod: string): boolean {
    return this.#signal(pod, 'SIGCONT', 'running');
  }

  /** Ends all, gracefully where they can, and resolves when none is left. */
  async end(grace = 20_000): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#slots.map((slot) => slot.end(grace)));
  }

  #signal(pod: string, signal: NodeJS.Signals, state: ReplicaState): boolean {
    return (
      this.#slots.find((slot) => slot.pod === pod && slot.state !== 'dead')?.signal(signal, state) ?? false
    );
  }
}

/** One place in the fleet, with one process after another in it. */
class Slot implements Replica {
  readonly #options: FleetOptions;
  readonly #wanted: () => boolean;
  #child!: ChildProcess;
  #gone!: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  pod = '';
  state: ReplicaState = 'dead';
  ended: string | undefined;

  constructor(options: FleetOptions, wanted: () => boolean) {
    this.#options = options;
    this.#wanted = wanted;
    this.#start();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(signal: NodeJS.Signals, state: ReplicaState): boolean {
    if (!this.#child.kill(signal)) return false;
    this.state = state;
    this.#options.onChange();
    return true;
  }

  async end(grace: number): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGCONT');
    this.signal('SIGTERM', 'stopping');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), grace);
    await this.#gone;
    clearTimeout(force);
  }

  #start(): void {
    const { script, name, args, environment, logDirectory, onChange } = this.#options;
    this.pod = `${name}-${randomUUID().slice(0, 5)}`;
    this.#child = fork(script, [...args], {
      env: { ...process.env, ...environment, POD_NAME: this.pod, POD_UID: randomUUID() },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.state = 'running';
    this.ended = undefined;
    const log = createWriteStream(join(logDirectory, `${this.pod}.log`));
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
    this.#gone = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => (this.#died(code, signal), log.end(resolve))),
    );
    onChange();
  }

  #died(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.state === 'running')
      this.ended = `ended by itself with ${signal ?? `exit code ${code}`}, see its log`;
    this.state = 'dead';
    if (this.#wanted()) this.#timer = setTimeout(() => this.#start(), RESTART_AFTER);
    this.#options.onChange();
  }
}
