import { AuthorityLostError, type Term, sleep } from '@incumbent/core/client';
import { seededRandom } from '@incumbent/core/testing';
import type { WorkContext } from '../../work/processor.js';
import { ResourceItems } from '../../work/resource-items.js';
import { WorkGroup } from '../../work/work-group.js';
import { FencedWriter, type WorkOrders } from '../fenced-writer.js';
import { type Machine, ProcessClock } from '../machine.js';
import type { Incarnation, IncarnationOptions } from '../replica.js';
import { SimulatedClient } from './client.js';
import type { WorkParticipant } from './participant.js';
import { Item, type WorkHooks, type WorkWorld } from './world.js';

/** One process of a replica, from its start to its death: a member of the group, and the work it does. */
export class MemberProcess implements WorkParticipant, Incarnation {
  readonly replica: number;
  readonly machine: Machine;
  readonly name: string;
  readonly clock: ProcessClock;
  readonly orders: WorkOrders = { fail: false, stall: 0, unawaited: 0 };
  readonly #world: WorkWorld;
  readonly #hooks: WorkHooks;
  readonly #capacity: number;
  readonly #group: WorkGroup<Item, NonNullable<Item['status']>>;
  readonly #stop = new AbortController();
  #alive = true;

  constructor(world: WorkWorld, { replica, machine, identity, name, onExit }: IncarnationOptions) {
    this.#world = world;
    this.replica = replica;
    this.machine = machine;
    this.name = name;
    this.#capacity = world.scenario.capacities[replica] ?? 1;
    this.clock = new ProcessClock(machine, world.scheduler, () => this.#alive);
    this.#hooks = world.mutate(this);
    const server = new SimulatedClient(this, world);
    const client = this.#hooks.client?.(server) ?? server;
    const items = new ResourceItems({ client, resource: Item, isDone: ({ status }) => status !== undefined });
    this.#group = new WorkGroup({
      ...world.scenario.timings,
      name: 'group',
      capacity: this.#capacity,
      identity,
      items: this.#hooks.items?.(items) ?? items,
      server: { client, leaseAt: (lease) => server.leaseAt(lease) },
      clock: this.clock,
      random: seededRandom(Math.floor(world.random.next() * 2 ** 32)),
    });
    world.referee.trace(() => `${name} starts as ${this.#group.member}`);
    void this.#run().then(() => {
      if (this.#alive) onExit();
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get isLeader(): boolean {
    return this.#alive && this.#group.isLeader;
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

  stepDown(): void {}

  handOver(): void {}

  async #run(): Promise<void> {
    const { referee } = this.#world;
    try {
      await this.#group.run({
        work: (item, context) => this.#work(item, context),
        signal: this.#stop.signal,
      });
      if (!this.#stop.signal.aborted) referee.breach('run ended', `${this.name} resolved unasked`);
    } catch (error) {
      referee.breach('run ended', `${this.name} failed: ${String(error)}`);
    }
    referee.trace(() => `${this.name} exits`);
  }

  async #work({ metadata, spec }: Item, { term }: WorkContext): Promise<{ result: string }> {
    const { referee } = this.#world;
    const record = { process: this, item: metadata.name, epoch: term.number };
    referee.begins(record, this.#capacity);
    let how = 'failed';
    try {
      const fence = this.#hooks.term?.(term) ?? term;
      const writer = this.#writer(this.#hooks.forgetsLateWrites ? forgetful(fence) : fence, record);
      for (let step = 0; step < spec.steps; step++) await this.#step(term, writer);
      how = 'has a result';
      return { result: `${spec.steps} steps in assignment ${term.number}` };
    } finally {
      referee.ends(record, how);
    }
  }

  #writer(term: Term, record: { process: MemberProcess; item: string; epoch: number }): FencedWriter {
    const { referee } = this.#world;
    return new FencedWriter({
      process: this,
      world: this.#world,
      hooks: this.#hooks,
      orders: this.orders,
      term,
      sends: () => {},
      stored: () => referee.workStored(record),
    });
  }

  /** Some work ends when it is asked to; some, while that fault holds, does not. */
  async #step({ signal }: Term, writer: FencedWriter): Promise<void> {
    const { random, scenario, weather } = this.#world;
    const stubborn = weather.degree(this.replica, 'stubborn work') > 0;
    if (signal.aborted && !stubborn) throw new Error('asked to end');
    if (this.orders.fail) {
      this.orders.fail = false;
      throw new Error('told to fail');
    }
    try {
      await writer.write();
    } catch (error) {
      if (error instanceof AuthorityLostError && !stubborn) throw error;
      // The server's errors and timeouts: the next step tries again.
    }
    await sleep(
      this.clock,
      random.next() * (scenario.timings.leaseDuration / 10),
      stubborn ? undefined : signal,
    );
  }
}

function forgetful(term: Term): Term {
  return {
    number: term.number,
    token: term.token,
    signal: term.signal,
    remaining: () => term.remaining(),
    assertHeld: () => term.assertHeld(),
    mayStillCommit: () => () => {},
  };
}
