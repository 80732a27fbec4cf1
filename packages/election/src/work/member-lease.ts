import type { Draft, Lease, WatchEvent } from '@incumbent/core/client';
import type { AttemptOptions, LeasePort } from '../lease/lease-port.js';
import { recordOf } from '../lease/lease-record.js';

/** On the Leases of a group's members: the name of the group. */
export const GROUP_LABEL = 'work.incumbent.dev/group';
/** On the Lease of a member: how many items it takes at a time. */
export const CAPACITY_ANNOTATION = 'work.incumbent.dev/capacity';

/** What a Lease says its member takes at a time. One without a word takes nothing. */
export function capacityOf({ metadata }: Lease): number {
  const capacity = Number(metadata.annotations?.[CAPACITY_ANNOTATION]);
  return Number.isSafeInteger(capacity) && capacity > 0 ? capacity : 0;
}

/** A member's Lease as its elector uses it: every write announces the group and the capacity. */
export class MemberLease implements LeasePort {
  readonly #lease: LeasePort;
  readonly #group: string;
  /** Writes go one after the other. */
  #writing: Promise<unknown> = Promise.resolve();
  #capacity: number;
  #highest = -1;
  /** As the server last answered a write of ours. */
  #written: Lease | undefined;
  /** A version that our elector knows, and what {@link announce} made of it. */
  #announced: { readonly over: string; readonly lease: Lease } | undefined;

  constructor(lease: LeasePort, group: string, capacity: number) {
    this.#lease = lease;
    this.#group = group;
    this.#capacity = capacity;
  }

  get(options: AttemptOptions): Promise<Lease | undefined> {
    return this.#lease.get(options);
  }

  /** With a term higher than any that was ever sent: one that was stored without our hearing of it must not come twice. */
  create(draft: Draft<Lease>, options: AttemptOptions): Promise<Lease> {
    const leaseTransitions = Math.max(draft.spec?.leaseTransitions ?? 0, this.#highest + 1);
    const next = this.#marked({ ...draft, spec: { ...draft.spec, leaseTransitions } });
    return this.#write(() => this.#lease.create(next, options));
  }

  update(lease: Lease, options: AttemptOptions): Promise<Lease> {
    return this.#write(() => {
      const { over, lease: announced } = this.#announced ?? {};
      const { resourceVersion } = lease.metadata;
      const known =
        resourceVersion === over && announced ? announced.metadata.resourceVersion : resourceVersion;
      return this.#lease.update(
        this.#marked({ ...lease, metadata: { ...lease.metadata, resourceVersion: known } }),
        options,
      );
    });
  }

  watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    return this.#lease.watch(resourceVersion, signal);
  }

  close(): Promise<void> {
    return this.#lease.close();
  }

  /** Changes the capacity, and tells it at once where the Lease is held: not only with the next renewal. */
  async announce(capacity: number, options: AttemptOptions): Promise<void> {
    this.#capacity = capacity;
    await this.#write(async () => {
      const lease = this.#written;
      if (!lease || recordOf(lease).holder === '') return lease;
      const answer = await this.#lease.update(this.#marked(lease), options);
      // The elector, which knows nothing of this write, may go on from the version before it.
      this.#announced = { over: lease.metadata.resourceVersion, lease: answer };
      return answer;
    });
  }

  #write<R extends Lease | undefined>(write: () => Promise<R>): Promise<R> {
    const written = this.#writing.then(write);
    this.#writing = written.then(
      (answer) => (this.#written = answer),
      () => {},
    );
    return written;
  }

  #marked<L extends Draft<Lease>>(lease: L): L {
    const { labels, annotations } = lease.metadata;
    this.#highest = Math.max(this.#highest, lease.spec?.leaseTransitions ?? 0);
    return {
      ...lease,
      metadata: {
        ...lease.metadata,
        labels: { ...labels, [GROUP_LABEL]: this.#group },
        annotations: { ...annotations, [CAPACITY_ANNOTATION]: String(this.#capacity) },
      },
    };
  }
}
