import type { Order, Report, StartOrder, Moment } from './protocol.js';
import { Watchdog } from './watchdog.js';

/** What a guardian needs of the machine. */
export interface Host {
  now(): Moment;
  /** Milliseconds since 1970. */
  wall(): number;
  schedule(delay: number, task: () => void): void;
  /** Starts the command as the leader of a session of its own. */
  spawn(order: StartOrder, listener: ChildListener): void;
  signalSession(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void;
  isSessionAlive(leader: number): boolean;
  report(report: Report): void;
}

export interface ChildListener {
  started(pid: number): void;
  failed(code: string, message: string): void;
  ended(code: number | null, signal: string | null): void;
}

/** Milliseconds between looks at what is left of a command whose first process has ended. */
const LINGERING_LOOK = 20;
/** Milliseconds after SIGKILL for which the end is awaited: longer only hangs what waits for a device, and does nothing. */
const LAST_WAIT = 1000;

/** Runs one command until it ends, is ordered to end, or its deadline comes; then reports, when nothing of it runs any more. */
export class Guardian {
  readonly #host: Host;
  #watchdog: Watchdog | undefined;
  #grace = 0;
  #leader: number | undefined;
  #exit: { readonly code: number | null; readonly signal: string | null } | undefined;
  #killedAt: number | undefined;
  #over = false;

  constructor(host: Host) {
    this.#host = host;
  }

  obey(order: Order): void {
    if (order.kind === 'start') this.#start(order);
    else if (order.kind === 'extend') this.#watchdog?.extend(order.deadline);
    else this.#stop(order.kind === 'kill' ? 0 : order.grace);
  }

  /** Whoever gave orders is gone. */
  orphaned(): void {
    this.#stop(this.#grace);
  }

  /** Whether there is nothing to guard. */
  get isIdle(): boolean {
    return this.#over || !this.#watchdog;
  }

  #start(order: StartOrder): void {
    this.#grace = order.grace;
    this.#watchdog = new Watchdog(order.deadline, order.margins);
    // The order may have waited for longer than it holds.
    if (this.#watchdog.due(this.#host.now()).action !== 'none') return this.#ended(null, 'SIGKILL');
    this.#host.spawn(order, {
      started: (pid) => {
        this.#leader = pid;
        this.#host.report({ kind: 'started', pid });
        this.#look();
      },
      failed: (code, message) => {
        this.#over = true;
        this.#host.report({ kind: 'failed', code, message });
      },
      ended: (code, signal) => {
        this.#exit = { code, signal };
        // What it left behind has nobody to wait for it any more.
        if (this.#watchdog?.endedBy === 'itself') this.#kill();
        this.#tidy();
      },
    });
  }

  #stop(grace: number): void {
    this.#watchdog?.stop(this.#host.now(), grace);
    if (!this.#over) this.#act();
  }

  #look(): void {
    if (this.#over || this.#exit) return;
    this.#host.schedule(this.#act(), () => this.#look());
  }

  /** Does what is due, and returns when to look again. */
  #act(): number {
    if (this.#leader === undefined || !this.#watchdog) return 0;
    const { action, lookIn } = this.#watchdog.due(this.#host.now());
    if (action === 'kill') this.#kill();
    else if (action === 'terminate') this.#host.signalSession(this.#leader, 'SIGTERM');
    return lookIn;
  }

  #kill(): void {
    if (this.#leader === undefined) return;
    this.#killedAt ??= this.#host.now().monotonic;
    this.#host.signalSession(this.#leader, 'SIGKILL');
  }

  /** After the end of the first process: those it left may use the rest of the grace, if there is one. */
  #tidy(): void {
    if (this.#over || this.#leader === undefined || !this.#exit) return;
    const waited = this.#host.now().monotonic - (this.#killedAt ?? Number.POSITIVE_INFINITY);
    if (!this.#host.isSessionAlive(this.#leader) || waited >= LAST_WAIT)
      return this.#ended(this.#exit.code, this.#exit.signal);
    if (this.#watchdog?.endedBy !== 'itself') this.#act();
    this.#host.schedule(LINGERING_LOOK, () => this.#tidy());
  }

  #ended(code: number | null, signal: string | null): void {
    this.#over = true;
    const by = this.#watchdog?.endedBy ?? 'order';
    this.#host.report({ kind: 'ended', code, signal, by, at: this.#host.wall() });
  }
}
