import { formatKey, keyOf } from '@incumbent/core/client';
import type { LeaseEvent, TypedLease } from '@incumbent/election';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly lease: TypedLease;
}

/** The leases as a watch has told of them, and what each of its events changed. */
export class LeaseBook {
  readonly #leases = new Map<string, TypedLease>();

  /** Ordered by name. */
  get leases(): readonly TypedLease[] {
    return [...this.#leases.values()].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  take(event: Exclude<LeaseEvent, { type: 'failed' }>): readonly Change[] {
    if (event.type !== 'replaced')
      return event.type === 'applied' ? this.#apply(event.object) : this.#delete(event.object);
    const kept = new Set(event.items.map(nameOf));
    const gone = this.leases.filter((lease) => !kept.has(nameOf(lease)));
    return [
      ...gone.flatMap((lease) => this.#delete(lease)),
      ...event.items.flatMap((lease) => this.#apply(lease)),
    ];
  }

  #apply(lease: TypedLease): readonly Change[] {
    const before = this.#leases.get(nameOf(lease));
    this.#leases.set(nameOf(lease), lease);
    if (!before) return [{ type: 'ADDED', lease }];
    const isNew = before.metadata.resourceVersion !== lease.metadata.resourceVersion;
    return isNew ? [{ type: 'MODIFIED', lease }] : [];
  }

  #delete(lease: TypedLease): readonly Change[] {
    return this.#leases.delete(nameOf(lease)) ? [{ type: 'DELETED', lease }] : [];
  }
}

export function nameOf(lease: TypedLease): string {
  return formatKey(keyOf(lease));
}
