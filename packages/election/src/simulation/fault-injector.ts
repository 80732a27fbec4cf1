import { type Fault, type FaultKind, describeFault } from './fault.js';
import type { Network, Served } from './network.js';
import type { Replica } from './replica.js';
import { hits } from './weather.js';
import type { Surroundings } from './world.js';

/** What somebody outside does to what the server has stored. */
export interface Tampering {
  /** Called before anything runs. */
  prepare(): void;
  /** Each returns false where there was nothing to hit. */
  edit(fault: Fault): boolean;
  restore(fault: Fault): boolean;
}

/** A server that can be restarted, and whose history can be lost. */
export interface Faulty extends Served {
  boots: number;
  downUntil: number;
  compact(): void;
}

interface Stage extends Surroundings {
  readonly network: Network<Faulty>;
}

/** Faults that hold for a while, and do nothing by themselves. The others happen at one moment. */
const HOLDS_A_WHILE: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'slow',
  'slow server',
  'late request',
  'loss',
  'lost answers',
  'partition',
  'duplication',
  'too many requests',
  'forbidden',
  'server errors',
  'error after effect',
  'false conflict',
  'silent watch',
  'slow watch',
  'stubborn work',
  'slow following',
]);
/** Of those, the ones that are felt whenever they hold; the rest strike a request now and then. */
const ALWAYS_FELT: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'slow',
  'slow server',
  'partition',
  'silent watch',
  'slow watch',
  'stubborn work',
  'slow following',
]);
const DEAFENS: ReadonlySet<FaultKind> = new Set<FaultKind>(['partition', 'silent watch']);

/** Makes the faults of a scenario happen at their time. */
export class FaultInjector {
  readonly #world: Stage;
  readonly #replicas: readonly Replica[];
  readonly #tampering: Tampering;

  constructor(world: Stage, replicas: readonly Replica[], tampering: Tampering) {
    this.#world = world;
    this.#replicas = replicas;
    this.#tampering = tampering;
  }

  schedule(): void {
    const { scheduler, scenario } = this.#world;
    for (const fault of scenario.faults) scheduler.at(fault.at, () => this.#begin(fault));
    this.#tampering.prepare();
  }

  #begin(fault: Fault): void {
    const { weather, scheduler, referee, network } = this.#world;
    referee.trace(() => `FAULT ${describeFault(fault)}`);
    if (!HOLDS_A_WHILE.has(fault.kind)) {
      if (this.#happen(fault) !== false && fault.kind !== 'stall') weather.strikes(fault.kind);
      return;
    }
    weather.begin(fault);
    if (ALWAYS_FELT.has(fault.kind)) weather.strikes(fault.kind);
    scheduler.after(fault.lasts, () => {
      weather.end(fault);
      if (!DEAFENS.has(fault.kind)) return;
      for (const { index } of this.#replicas) if (hits(fault, index)) network.endSilence(index);
    });
  }

  /** Returns false where there was nothing to hit. */
  #happen(fault: Fault): boolean | void {
    switch (fault.kind) {
      case 'server restart':
        return this.#restartServer(fault.lasts / 4);
      case 'compaction':
        return this.#world.network.api.compact();
      case 'restore':
        return this.#restore(fault);
      case 'watch cut':
        return this.#cutWatches(fault);
      case 'deletion':
      case 'label edit':
      case 'spec edit':
      case 'blanking':
        return this.#tampering.edit(fault);
      default:
        return this.#hitEach(fault);
    }
  }

  #hitEach(fault: Fault): boolean {
    const hit = this.#replicas.filter((replica) => hits(fault, replica.index));
    return hit.map((replica) => this.#hit(replica, fault) !== false).includes(true);
  }

  #hit(replica: Replica, fault: Fault): boolean | void {
    const { process, machine } = replica;
    const { scheduler } = this.#world;
    switch (fault.kind) {
      case 'pause':
        return machine.freeze(scheduler.now + fault.lasts);
      case 'suspend':
        return machine.freeze(scheduler.now + fault.lasts, { suspended: true });
      case 'wall jump':
        return machine.stepWall((fault.degree - 0.5) * 3_600_000);
      case 'crash':
        return replica.crash(fault.lasts * fault.degree);
      case 'replacement':
        return replica.replace(fault.lasts);
      case 'stop':
        return replica.shutDown(fault.lasts * fault.degree);
      case 'failing work':
        return replica.failWork(fault.lasts * fault.degree);
      default:
        if (!process?.isLeader) return this.#onLeader(fault);
        return this.#ask(replica, fault);
    }
  }

  /** Some faults mean something for the leader only: they hit whoever it is. */
  #onLeader(fault: Fault): boolean | void {
    const leader = this.#replicas.find(({ process }) => process?.isLeader);
    return leader ? this.#ask(leader, fault) : false;
  }

  #ask({ process, machine }: Replica, { kind, replica, lasts }: Fault): void {
    if (!process) return;
    const heir = this.#replicas[Math.max(replica, 0)] as Replica;
    if (kind === 'stall') process.orders.stall = lasts;
    else
      machine.deliver('network', () => {
        if (!process.alive) return;
        if (kind === 'hand over') process.handOver(heir.pod);
        else process.stepDown();
      });
  }

  #restartServer(downFor: number): void {
    const { network, scheduler } = this.#world;
    network.api.boots++;
    network.api.downUntil = scheduler.now + downFor;
    for (const stream of network.api.streams) network.cutWatch(stream);
  }

  #cutWatches(fault: Fault): boolean {
    const { network } = this.#world;
    const streams = Array.from(network.api.streams).filter(({ owner }) => hits(fault, owner.replica));
    for (const stream of streams) network.cutWatch(stream);
    return streams.length > 0;
  }

  #restore(fault: Fault): boolean {
    if (!this.#tampering.restore(fault)) return false;
    this.#restartServer(fault.lasts / 4);
    return true;
  }
}
