import { type Instant, type Lease, type Term, aborted, elapsedSince, sleep } from '@incumbent/core/client';
import { seededRandom } from '@incumbent/core/testing';
import { LeaderElector } from '../elector/leader-elector.js';
import type { ResolvedTimings } from '../elector/options.js';
import { type Machine, ProcessClock } from './machine.js';
import type { MutationHooks } from './mutation.js';
import { SimulatedLeasePort } from './lease-port.js';
import type { Participant, ReignRecord } from './participant.js';
import type { Incarnation, IncarnationOptions } from './replica.js';
import type { WorkOrders } from './fenced-writer.js';
import { Work, WorkFailed } from './work.js';
import { runBySteps } from './stepped.js';
import type { World } from './world.js';

/** One process of a replica, from its start to its death: an elector, and the work it starts. */
export class Process implements Participant, Incarnation {
  readonly replica: number;
  readonly machine: Machine;
  readonly identity: string;
  readonly name: string;
  readonly clock: ProcessClock;
  readonly timings: ResolvedTimings;
  readonly orders: WorkOrders = { fail: false, stall: 0, unawaited: 0 };
  readonly #world: World;
  readonly #hooks: MutationHooks;
  readonly sentRecords = new Set<string>();
  readonly #elector: LeaderElector;
  readonly #stop = new AbortController();
  #alive = true;
  #active: 'leading' | 'following' | undefined;
  #lastActive: 'leading' | 'following' | undefined;
  #sentAt: Instant | undefined;
  lastTold: Lease | undefined;
  term: ReignRecord | undefined;

  constructor(world: World, { replica, machine, identity, name, onExit }: IncarnationOptions) {
    this.#world = world;
    this.timings = world.scenario.timings;
    this.replica = replica;
    this.machine = machine;
    this.identity = identity;
    this.name = name;
    this.clock = new ProcessClock(machine, world.scheduler, () => this.#alive);
    this.#hooks = world.mutate(this);
    const port = new SimulatedLeasePort(this, world);
    this.#elector = new LeaderElector({
      name: 'simulated',
      namespace: 'default',
      identity,
      ...this.timings,
      lockDelay: this.#hooks.lockDelay ?? this.timings.lockDelay,
      lease: this.#hooks.port?.(port) ?? port,
      clock: this.#hooks.clock?.(this.clock) ?? this.clock,
      random: seededRandom(Math.floor(world.random.next() * 2 ** 32)),
    });
    void this.#run().then(() => {
      if (this.#alive) onExit();
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  get isLeader(): boolean {
    return this.#alive && this.#elector.isLeader;
  }

  /** A SIGKILL. What it sent goes on without it. */
  kill(): void {
    this.#world.referee.trace(() => `${this.name} dies`);
    this.#alive = false;
    const { api } = this.#world.network;
    for (const stream of api.streams) if (stream.owner === this) api.close(stream);
  }

  stop(): void {
    this.#world.referee.trace(() => `${this.name} is asked to stop`);
    this.#stop.abort();
  }

  stepDown(): void {
    this.#elector.stepDown();
  }

  handOver(heir: string): void {
    this.#elector.handOver(heir);
  }

  leaseSent(at: Instant): void {
    if (!this.#sentAt || at.monotonic > this.#sentAt.monotonic) this.#sentAt = at;
  }

  sinceLeaseSent(): number {
    return this.#sentAt ? elapsedSince(this.clock, this.#sentAt) : Number.POSITIVE_INFINITY;
  }

  async #run(): Promise<void> {
    const { referee } = this.#world;
    try {
      await (this.#stepped ? this.#runBySteps() : this.#runByItself());
      if (!this.stopping) referee.breach('run ended', `${this.name} resolved unasked`);
    } catch (error) {
      if (!(error instanceof WorkFailed))
        referee.breach('run ended', `${this.name} failed: ${String(error)}`);
    }
    referee.trace(() => `${this.name} exits`);
  }

  #runByItself(): Promise<void> {
    return this.#elector.run({
      leading: (term) => this.#lead(term),
      following: (signal) => this.#follow(signal),
      signal: this.#stop.signal,
    });
  }

  #runBySteps(): Promise<void> {
    const lead = async (term: Term): Promise<void> => {
      await this.#lead(term);
      this.#lastActive = undefined;
    };
    const { retryPeriod: period } = this.timings;
    return runBySteps({
      elector: this.#elector,
      clock: this.clock,
      period,
      lead,
      signal: this.#stop.signal,
    });
  }

  get #stepped(): boolean {
    return this.#world.scenario.stepped === this.replica;
  }

  async #lead(term: Term): Promise<void> {
    this.#enter('leading');
    const { referee } = this.#world;
    const record = referee.begins(this, term.token);
    if (term.signal.aborted || term.remaining() <= 0)
      referee.breach('dead on arrival', `${this.name}, term ${term.number}`);
    if (!this.#hooks.detachesWork) return this.#work(term, record);
    void this.#work(term, record).catch(() => {});
    this.#active = undefined;
    await aborted(term.signal);
  }

  async #work(term: Term, record: ReignRecord): Promise<void> {
    if (this.term) this.#world.referee.breach('overlapping calls', `${this.name} works under two terms`);
    this.term = record;
    try {
      const hooks = this.#hooks;
      await new Work({
        process: this,
        world: this.#world,
        hooks,
        orders: this.orders,
        term: hooks.term?.(term) ?? term,
        record,
      }).run();
    } finally {
      if (this.term === record) this.term = undefined;
      if (this.#active === 'leading') this.#active = undefined;
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    this.#enter('following');
    await aborted(signal);
    const slow = this.#world.weather.degree(this.replica, 'slow following');
    if (slow > 0) await sleep(this.clock, Math.min(slow * this.timings.leaseDuration, this.#untilCalm()));
    this.#active = undefined;
  }

  /** Milliseconds on its clock: no fault lasts longer. */
  #untilCalm(): number {
    const { scenario, scheduler } = this.#world;
    return Math.max(scenario.calm - scheduler.now, 0) * this.machine.rate;
  }

  /** After a win that came too late, or a stop, following follows following. */
  #enter(role: 'leading' | 'following'): void {
    const { referee } = this.#world;
    if (this.#active)
      referee.breach('overlapping calls', `${this.name}: ${role} began while ${this.#active}`);
    if (role === 'leading' && this.#lastActive === 'leading')
      referee.breach('overlapping calls', `${this.name}: leading twice in a row`);
    this.#active = role;
    this.#lastActive = role;
  }
}
