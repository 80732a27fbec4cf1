import type { Instant } from '@incumbent/core/client';

/** Enough for every write whose outcome may still come to light. */
const KEPT = 32;

/** The records that this elector sent, each with the moment it was sent: what is ours, even where the answer was lost. */
export class OwnRecords {
  readonly #sent = new Map<string, Instant>();

  /** The first sending counts: should two be equal, the right that follows is the shorter one. */
  add(fingerprint: string, sentAt: Instant): void {
    if (this.#sent.has(fingerprint)) return;
    this.#sent.set(fingerprint, sentAt);
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size <= KEPT) break;
      this.#sent.delete(oldest);
    }
  }

  has(fingerprint: string): boolean {
    return this.#sent.has(fingerprint);
  }

  sentAt(fingerprint: string): Instant | undefined {
    return this.#sent.get(fingerprint);
  }
}
