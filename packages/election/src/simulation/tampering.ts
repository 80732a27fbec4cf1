import type { Lease } from '@incumbent/core/client';
import type { Fault } from './fault.js';
import type { Tampering } from './fault-injector.js';
import type { ReignRecord } from './participant.js';
import type { World } from './world.js';

interface Snapshot {
  readonly lease: Lease | undefined;
  readonly version: number;
  readonly holder: ReignRecord | undefined;
}

const SNAPSHOTS = 12;

/** Edits of an election's Lease, and restores of older states of it. */
export class LeaseTampering implements Tampering {
  readonly #world: World;
  #snapshots: Snapshot[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  prepare(): void {
    const { faults } = this.#world.scenario;
    if (faults.some(({ kind }) => kind === 'restore')) this.#takeSnapshots();
  }

  restore(fault: Fault): boolean {
    const { network, referee } = this.#world;
    const snapshot = this.#snapshots[Math.floor(fault.degree * this.#snapshots.length)];
    if (!snapshot) return false;
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

  edit(fault: Fault): boolean {
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
