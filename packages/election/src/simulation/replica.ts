import { Machine, type MachineOptions } from './machine.js';
import type { WorkOrders } from './fenced-writer.js';
import type { Surroundings } from './world.js';

/** Milliseconds that a process needs to start. */
const BOOT = 50;

/** What runs in a replica, as far as faults are concerned. */
export interface Incarnation {
  readonly name: string;
  readonly alive: boolean;
  readonly isLeader: boolean;
  readonly clock: { readonly pending: number };
  readonly orders: WorkOrders;
  kill(): void;
  stop(): void;
  stepDown(): void;
  handOver(heir: string): void;
}

export interface IncarnationOptions {
  readonly replica: number;
  readonly machine: Machine;
  readonly identity: string;
  readonly name: string;
  /** Called when its run has resolved or rejected. */
  readonly onExit: () => void;
}

export interface ReplicaOptions<P extends Incarnation> {
  readonly index: number;
  readonly clocks: MachineOptions;
  start(this: void, options: IncarnationOptions): P;
  /** Called when its machine goes on after it was frozen. */
  onThaw?(this: void, process: P): void;
}

/** A place for processes, one after the other: what a pod is, or a machine. */
export class Replica<P extends Incarnation = Incarnation> {
  readonly index: number;
  machine: Machine;
  process: P | undefined;
  readonly #options: ReplicaOptions<P>;
  readonly #world: Surroundings;
  #started = 0;
  #over = false;
  /** Milliseconds after which an ended process is started again. */
  #restart = 0;

  constructor(world: Surroundings, options: ReplicaOptions<P>) {
    this.#world = world;
    this.#options = options;
    this.index = options.index;
    this.machine = new Machine(world.scheduler, world.random, options.clocks);
  }

  /** The name by which a handover can be addressed to it. */
  get pod(): string {
    return `pod-${this.index}`;
  }

  start(): void {
    if (this.#over || this.process?.alive) return;
    const incarnation = ++this.#started;
    const { samePod } = this.#world.scenario;
    const process: P = this.#options.start({
      replica: this.index,
      machine: this.machine,
      identity: samePod ? this.pod : `${this.pod}_${incarnation}`,
      name: `${this.pod}/${incarnation}`,
      onExit: () => this.#exited(process),
    });
    this.process = process;
    this.machine.onThaw = () => this.#options.onThaw?.(process);
  }

  /** Starts a process on another machine, as when a node is lost; the old one goes on for `lasts` milliseconds. */
  replace(lasts: number): boolean {
    const { process } = this;
    if (!process?.alive) return false;
    const { scheduler, random } = this.#world;
    scheduler.after(lasts, () => process.kill());
    this.process = undefined;
    this.machine = new Machine(scheduler, random, {
      ...this.#options.clocks,
      wallOffset: this.#options.clocks.wallOffset + (random.next() - 0.5) * 20_000,
    });
    this.#startAfter(0);
    return true;
  }

  crash(restartAfter: number): boolean {
    if (!this.process?.alive) return false;
    this.process.kill();
    this.#startAfter(restartAfter);
    return true;
  }

  /** A crash for good. */
  die(): void {
    this.#over = true;
    this.process?.kill();
  }

  /** Asks its process to stop, and starts another when it has. */
  shutDown(restartAfter: number): boolean {
    const { process } = this;
    if (!process?.alive) return false;
    this.#restart = restartAfter;
    this.machine.deliver('network', () => process.alive && process.stop());
    return true;
  }

  failWork(restartAfter: number): boolean {
    if (!this.process?.alive) return false;
    this.#restart = restartAfter;
    this.process.orders.fail = true;
    return true;
  }

  /** For good. */
  stop(): void {
    this.#over = true;
    if (this.process?.alive) this.process.stop();
  }

  expectGone(): void {
    if (this.process?.alive) this.#world.referee.breach('does not stop', `${this.process.name} still runs`);
  }

  #exited(process: P): void {
    const pending = process.clock.pending - process.orders.unawaited;
    if (pending > 0) this.#world.referee.breach('does not stop', `${process.name} leaves ${pending} timers`);
    process.kill();
    if (process === this.process) this.#startAfter(this.#restart);
  }

  #startAfter(delay: number): void {
    const { scheduler, scenario } = this.#world;
    const latest = Math.max(scenario.calm, scheduler.now);
    scheduler.at(Math.min(scheduler.now + delay, latest) + BOOT, () =>
      this.machine.deliver('timer', () => this.start()),
    );
  }
}
