/** Works out from the writes of the Lease who handed over to whom, how, and how fast. */

import type { LeaseWrite } from '../../demo/lease-write.js';

export interface Handover {
  readonly kind: 'crash' | 'graceful';
  /** Crash: from the blow to the successor's acquiring write. Graceful: from the release to it. */
  readonly ms: number;
  /** Graceful: from the request to stop until the release. */
  readonly drainMs?: number;
  readonly from: string;
  readonly to: string;
  readonly term: number;
}

export interface Reign {
  readonly pod: string;
  readonly since: number;
  readonly term: number;
}

export class Handovers {
  readonly all: Handover[] = [];
  #reign: Reign | undefined;
  #releasedAt: number | undefined;
  readonly #struck = new Map<string, number>();
  readonly #stopping = new Map<string, number>();

  /** Who holds the lease, as far as its writes tell. */
  get reign(): Reign | undefined {
    return this.#reign;
  }

  /** A replica was killed or paused. */
  struck(pod: string, at: number): void {
    this.#struck.set(pod, at);
  }

  /** A replica was asked to stop. */
  stopping(pod: string, at: number): void {
    this.#stopping.set(pod, at);
  }

  /** Returns the handover that this write completed, if it did. */
  observe({ at, holder, term }: LeaseWrite): Handover | undefined {
    if (holder === '') {
      this.#releasedAt = at;
      return undefined;
    }
    const before = this.#reign;
    if (before?.term === term) return undefined;
    const pod = podOf(holder);
    const handover = before && this.#handover(before.pod, { pod, at, term });
    this.#reign = { pod, since: at, term };
    this.#releasedAt = undefined;
    if (handover) this.all.push(handover);
    return handover;
  }

  #handover(
    from: string,
    { pod, at, term }: { readonly pod: string; readonly at: number; readonly term: number },
  ): Handover | undefined {
    if (this.#releasedAt !== undefined) {
      const asked = this.#stopping.get(from) ?? this.#releasedAt;
      return {
        kind: 'graceful',
        ms: round(at - this.#releasedAt),
        drainMs: round(this.#releasedAt - asked),
        from,
        to: pod,
        term,
      };
    }
    const struckAt = this.#struck.get(from);
    return struckAt === undefined
      ? undefined
      : { kind: 'crash', ms: round(at - struckAt), from, to: pod, term };
  }
}

/** An identity begins with the pod's name. */
export function podOf(identity: string): string {
  return identity.split('_')[0] ?? identity;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
