/** The faults that are in use now, and who wants to know when that changes. */
import type { Direction, Fault } from './fault.js';

export interface ActiveFault {
  readonly fault: Fault;
  /** Aborted when it is no longer in use. */
  readonly lifted: AbortSignal;
}

export class ActiveFaults {
  readonly #active = new Map<ActiveFault, AbortController>();
  readonly #listeners = new Set<() => void>();

  /** Returns a function that lifts the fault; calling it again does nothing. */
  add(fault: Fault): () => void {
    const end = new AbortController();
    const active = { fault, lifted: end.signal };
    this.#active.set(active, end);
    this.#changed();
    return () => {
      if (!this.#active.delete(active)) return;
      end.abort();
      this.#changed();
    };
  }

  clear(): void {
    for (const end of this.#active.values()) end.abort();
    this.#active.clear();
    this.#changed();
  }

  /** In the order in which they came into use; later changes don't disturb a loop over it. */
  all(): readonly ActiveFault[] {
    return [...this.#active.keys()];
  }

  some(has: (fault: Fault) => boolean): boolean {
    return this.all().some(({ fault }) => has(fault));
  }

  delay(direction: Direction): number {
    return this.all().reduce((sum, { fault }) => sum + fault.delayOf(direction), 0);
  }

  holder(direction: Direction): Fault | undefined {
    return this.all().find(({ fault }) => fault.holds(direction))?.fault;
  }

  /** Returns a function that forgets the listener. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
