import type { Lease } from '@incumbent/core/client';
import { type Fault, type FaultKind, describeFault } from './fault.js';
import type { ReignRecord } from './participant.js';
import type { Replica } from './replica.js';
import { hits } from './weather.js';
import type { World } from './world.js';

interface Snapshot {
  readonly lease: Lease | undefined;
  readonly version: number;
  readonly holder: ReignRecord | undefined;
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
const SNAPSHOTS = 12;

/** Makes the faults of a scenario happen at their time. */
export class FaultInjector {
  readonly #world: World;
  readonly #replicas: readonly Replica[];
  #snapshots: Snapshot[] = [];

  constructor(world: World, replicas: readonly Replica[]) {
    this.#world = world;
    this.#replicas = replicas;
  }

  schedule(): void {
    const { scheduler, scenario } = this.#world;
    for (const fault of scenario.faults) scheduler.at(fault.at, () => this.#begin(fault));
    if (scenario.faults.some(({ kind }) => kind === 'restore')) this.#takeSnapshots();
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
        return this.#edit(fault);
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
    const { network, referee } = this.#world;
    const snapshot = this.#snapshots[Math.floor(fault.degree * this.#snapshots.length)];
    if (!snapshot) return false;
    this.#restartServer(fault.lasts / 4);
    network.api.restore(snapshot.lease, snapshot.version);
    referee.rolledBack(snapshot.holder);
    this.#snapshots = this.#snapshots.filter(({ version }) => version <= snapshot.version);
    return true;
  }

  #takeSnapshots(): void {
    const { network, referee, scenario, scheduler } = this.#world;
    const take = (): void => {
      const { lease, version } = network.api;
      if (this.#snapshots.at(-1)?.version !== version)
        this.#snapshots.push({ lease, version, holder: referee.holder });
      if (this.#snapshots.length > SNAPSHOTS) this.#snapshots.shift();
      if (scheduler.now < scenario.calm) scheduler.after(scenario.timings.renewInterval / 2, take);
    };
    take();
  }

  #edit(fault: Fault): boolean {
    const { network, referee } = this.#world;
    const { lease } = network.api;
    if (!lease) return false;
    const stored =
      fault.kind === 'deletion' ? network.api.delete() : network.api.update(this.#edited(lease, fault));
    if (stored) referee.edited(stored);
    referee.trace(() => `the Lease is now ${JSON.stringify(network.api.lease?.spec)}`);
    return true;
  }

  #edited(lease: Lease, { kind, degree }: Fault): Lease {
    const { leaseDuration } = this.#world.scenario.timings;
    const { spec = {} } = lease;
    if (kind === 'label edit')
      return { ...lease, metadata: { ...lease.metadata, labels: { edited: String(degree) } } };
    if (kind === 'blanking') return { ...lease, spec: { ...spec, holderIdentity: '' } };
    const edits = [
      { holderIdentity: 'intruder' },
      { leaseDurationSeconds: 1 + Math.floor((degree * leaseDuration) / 1000 / 2) },
      { renewTime: '2020-01-01T00:00:00.000000Z' },
      { leaseTransitions: (spec.leaseTransitions ?? 0) + 3 },
    ];
    return { ...lease, spec: { ...spec, ...edits[Math.floor(degree * edits.length)] } };
  }
}
