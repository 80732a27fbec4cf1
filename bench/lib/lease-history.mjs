// What happened to one Lease, from its accepted writes: who acquired, renewed and released it, and when.

/**
 * @typedef {object} LeaseEvent
 * @property {'acquired' | 'renewed' | 'released'} kind
 * @property {string} holder - of a release: who held it before
 * @property {number} at
 * @property {bigint} version
 * @property {{ holder: string, at: number, duration: number } | undefined} before - the record that this write replaced
 */

export class LeaseHistory {
  /** @type {LeaseEvent[]} */
  events = [];
  #last;
  #waiting = new Set();

  /** @param {import('./server.mjs').AcceptedWrite} write */
  add({ at, version, object: { spec } }) {
    const holder = spec.holderIdentity ?? '';
    const before = this.#last;
    this.#last = {
      holder,
      at,
      duration: spec.leaseDurationSeconds * 1000,
      transitions: spec.leaseTransitions,
    };
    const event = { ...kindOf(this.#last, before), at, version, before };
    this.events.push(event);
    for (const waiting of this.#waiting) waiting(event);
  }

  /** Who holds it by its last record, or undefined. */
  get holder() {
    return this.#last?.holder || undefined;
  }

  /**
   * The first event from now on that `wanted` accepts.
   *
   * @param {(event: LeaseEvent) => boolean} wanted
   * @param {number} ms - how long at most
   * @returns {Promise<LeaseEvent>}
   */
  next(wanted, ms) {
    return new Promise((resolve, reject) => {
      const settle = (end, value) => {
        this.#waiting.delete(look);
        clearTimeout(timer);
        end(value);
      };
      const look = (event) => wanted(event) && settle(resolve, event);
      const timer = setTimeout(() => settle(reject, new Error(`Nothing of it within ${ms} ms.`)), ms);
      this.#waiting.add(look);
    });
  }
}

function kindOf(now, before) {
  if (now.holder === '') return { kind: 'released', holder: before?.holder ?? '' };
  const sameTerm = before && before.holder === now.holder && before.transitions === now.transitions;
  return { kind: sameTerm ? 'renewed' : 'acquired', holder: now.holder };
}
