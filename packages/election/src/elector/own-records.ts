import type { Instant } from '@incumbent/core/client';

/** Enough for every write whose outcome may still come to light. */
const KEPT = 32;

/** The records that this elector sent, each with the moment it was sent: what is ours, even where the answer was lost. */
export class OwnRecords {
  readonly #sent = new Map<string, Instant>();

  /**
   * Returns when this record was sent first, which is what counts: should one be sent twice, the server may have stored the
   * first, and answers the second as if it were new.
   */
  add(fingerprint: string, sentAt: Instant): Instant {
    const first = this.#sent.get(fingerprint);
    if (first) return first;
    this.#sent.set(fingerprint, sentAt);
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size <= KEPT) break;
      this.#sent.delete(oldest);
    }
    return sentAt;
  }

  has(fingerprint: string): boolean {
    return this.#sent.has(fingerprint);
  }

  sentAt(fingerprint: string): Instant | undefined {
    return this.#sent.get(fingerprint);
  }
}
