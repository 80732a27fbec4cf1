/**
 * How many requests may be under way at once: all, until the server says 429 (API Priority and Fairness). Then TCP's way: half as many
 * after a round with such an answer, one more after each round without, until the limit is gone again.
 *
 * A request that waits to be sent again keeps its place if it can, so that the server's Retry-After holds back those behind it too.
 *
 * @see RFC 5681, congestion avoidance
 */
export class CongestionWindow {
  readonly #ceiling: number;
  readonly #onChange: (size: number) => void;
  #size = Number.POSITIVE_INFINITY;
  #underWay = 0;
  #cuts = 0;
  readonly #waiting = new Set<(place: Place) => void>();

  /**
   * @param ceiling - as many as may be under way anyway: a window of this size limits nothing
   * @param onChange - told when a limit begins, and, with infinity, when it is gone
   */
  constructor(ceiling: number, onChange: (size: number) => void = () => {}) {
    this.#ceiling = ceiling;
    this.#onChange = onChange;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** More are under way than may be: one that has to wait gives its place back. */
  get isOverfull(): boolean {
    return this.#underWay > this.#size;
  }

  /** Takes a place, to be given back by {@link leave}. `undefined` when all are taken, or others wait already. */
  tryEnter(): Place | undefined {
    return this.#isFree() && this.#waiting.size === 0 ? this.#take() : undefined;
  }

  /** Calls back once with a place, in the order of asking. Returns a function that takes the question back. */
  whenFree(enter: (place: Place) => void): () => void {
    this.#waiting.add(enter);
    return () => this.#waiting.delete(enter);
  }

  leave(): void {
    this.#underWay -= 1;
    this.#letIn();
  }

  /** The server had no room for this request. */
  refused(place: Place): void {
    // What left before the last cut tells nothing that isn't known.
    if (place.cuts < this.#cuts) return;
    const wasOpen = this.#size === Number.POSITIVE_INFINITY;
    this.#size = Math.max(Math.floor(Math.min(this.#size, this.#underWay, this.#ceiling) / 2), 1);
    this.#cuts += 1;
    if (wasOpen) this.#onChange(this.#size);
  }

  /** The server had room. */
  answered(): void {
    if (this.#size === Number.POSITIVE_INFINITY) return;
    this.#size += 1 / this.#size;
    if (this.#size >= this.#ceiling) {
      this.#size = Number.POSITIVE_INFINITY;
      this.#onChange(this.#size);
    }
    this.#letIn();
  }

  /** To be called when a request goes out once more: from now on its answer counts. */
  renew(place: Place): void {
    place.cuts = this.#cuts;
  }

  #isFree(): boolean {
    return this.#underWay < Math.floor(this.#size);
  }

  #take(): Place {
    this.#underWay += 1;
    return { cuts: this.#cuts };
  }

  #letIn(): void {
    for (const enter of this.#waiting) {
      if (!this.#isFree()) return;
      this.#waiting.delete(enter);
      enter(this.#take());
    }
  }
}

/** A request's place among those under way. */
export interface Place {
  /** How often the window had been cut when the request last went out. */
  cuts: number;
}
