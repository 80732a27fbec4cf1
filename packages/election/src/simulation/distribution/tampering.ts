import type { Fault } from '../fault.js';
import type { Tampering } from '../fault-injector.js';
import type { StoredObject } from './object-server.js';
import type { WorkWorld } from './world.js';

/** Somebody deletes Leases, of members and of the leader, and puts labels on whatever is there. */
export class ObjectTampering implements Tampering {
  readonly #world: WorkWorld;

  constructor(world: WorkWorld) {
    this.#world = world;
  }

  prepare(): void {}

  edit({ kind, degree }: Fault): boolean {
    const { api } = this.#world.network;
    const leases = api.list({ kind: 'Lease', labels: {} });
    const objects = kind === 'deletion' ? leases : [...leases, ...api.list({ kind: 'Item', labels: {} })];
    const all = kind === 'deletion' && degree > 0.7;
    const hit = all ? leases : objects.slice(Math.floor(degree * objects.length)).slice(0, 1);
    for (const object of hit) this.#hit(object, kind, degree);
    return hit.length > 0;
  }

  #hit({ kind, metadata: { name } }: StoredObject, what: Fault['kind'], degree: number): void {
    const { network, referee } = this.#world;
    referee.trace(() => `somebody hits ${name}: ${what}`);
    if (what === 'deletion') network.api.delete(kind, name);
    else network.api.patch(kind, name, { metadata: { labels: { edited: degree.toFixed(6) } } });
  }

  restore(): boolean {
    return false;
  }
}
