/** What happened in one election: the writes that the server accepted, and when each replica led. And what of it may not be. */
import type { Report } from './replica.js';

export interface AcceptedWrite {
  /** resourceVersion of the object after the write. */
  readonly version: bigint;
  readonly term: number;
  readonly token: string;
  readonly writer: string;
  readonly count: string;
}

/** A replica led, by its own word, in milliseconds of the machine's monotonic clock. */
export interface Reign {
  readonly identity: string;
  readonly term: number;
  readonly from: number;
  /** When its right would have lapsed, as it last knew. */
  heldUntil: number;
  /** When it said that its work had ended, or its process had. */
  stoppedAt: number;
}

export class History {
  readonly #writes = new Map<bigint, AcceptedWrite>();
  #newest: AcceptedWrite | undefined;
  readonly reigns: Reign[] = [];
  /** How the writes ended that did not succeed, by code. */
  readonly failures = new Map<string, number>();
  readonly faults: string[] = [];

  /** In the order in which the server accepted them. */
  get writes(): readonly AcceptedWrite[] {
    return [...this.#writes.values()].sort((a, b) => (a.version < b.version ? -1 : 1));
  }

  /** The one with the highest version. */
  get newest(): AcceptedWrite | undefined {
    return this.#newest;
  }

  accepted(write: AcceptedWrite): void {
    this.#writes.set(write.version, write);
    if (!this.#newest || write.version > this.#newest.version) this.#newest = write;
  }

  /** The term that leads now, by the words of those that lead. */
  get leading(): Reign | undefined {
    return this.reigns.findLast(({ stoppedAt }) => stoppedAt === Number.POSITIVE_INFINITY);
  }

  told(report: Report, identity: string): void {
    if (report.kind === 'wrote') this.#answered(report, identity);
    if (report.kind === 'leading') this.#begun(report, identity);
    if (report.kind === 'held') this.#extend(this.#reignOf(identity, report.term), report.until);
    if (report.kind === 'stopped') this.#stopped(identity, report.term, report.at);
    if (report.kind === 'failed') this.failures.set(report.code, (this.failures.get(report.code) ?? 0) + 1);
  }

  ended(identity: string, at: number): void {
    for (const reign of this.reigns)
      if (reign.identity === identity && reign.stoppedAt > at) reign.stoppedAt = at;
  }

  /** What may not be, in words; nothing where all is well. */
  violations(): string[] {
    return [...this.faults, ...termsOutOfOrder(this.writes), ...overlaps(this.reigns)];
  }

  #begun({ at, term, until }: Extract<Report, { kind: 'leading' | 'held' }>, identity: string): void {
    const unended = this.reigns.find(
      (reign) => reign.identity === identity && reign.stoppedAt === Number.POSITIVE_INFINITY,
    );
    if (unended)
      this.faults.push(`${identity} led in term ${term} before its work of term ${unended.term} had ended`);
    this.reigns.push({
      identity,
      term,
      from: at,
      heldUntil: until,
      stoppedAt: Number.POSITIVE_INFINITY,
    });
  }

  /** The server's answer tells of a write too, where its watch had a gap. */
  #answered({ version, ...write }: Extract<Report, { kind: 'wrote' }>, writer: string): void {
    const key = BigInt(version);
    if (this.#writes.has(key)) return;
    const { term, token, count } = write;
    this.accepted({ version: key, term, token, count, writer });
  }

  #extend(reign: Reign | undefined, until: number): void {
    if (reign) reign.heldUntil = Math.max(reign.heldUntil, until);
  }

  #stopped(identity: string, term: number, at: number): void {
    const reign = this.#reignOf(identity, term);
    if (reign) reign.stoppedAt = at;
    else this.faults.push(`${identity} stopped leading in term ${term}, in which it had not led`);
  }

  #reignOf(identity: string, term: number): Reign | undefined {
    return this.reigns.findLast((reign) => reign.identity === identity && reign.term === term);
  }
}

/** No older term after a newer one, and each term has one writer. */
export function termsOutOfOrder(writes: readonly AcceptedWrite[]): string[] {
  const found: string[] = [];
  let newest: AcceptedWrite | undefined;
  for (const write of writes) {
    const { term, version, writer, count } = write;
    if (newest && (term < newest.term || BigInt(write.token) < BigInt(newest.token)))
      found.push(
        `${writer} wrote its write ${count} in term ${term} at version ${version}, after ${newest.writer} had written in term ${newest.term} at version ${newest.version}`,
      );
    else if (newest && term === newest.term && writer !== newest.writer)
      found.push(`${writer} and ${newest.writer} both wrote in term ${term}`);
    else newest = write;
  }
  return found;
}

/** Two replicas that could both believe they led at the same moment. */
export function overlaps(reigns: readonly Reign[]): string[] {
  const inOrder = [...reigns].sort((a, b) => a.from - b.from);
  return inOrder.flatMap((later, index) =>
    inOrder
      .slice(0, index)
      .filter((earlier) => earlier.identity !== later.identity && endOf(earlier) > later.from)
      .map(
        (earlier) =>
          `${later.identity} led from term ${later.term} on ${(endOf(earlier) - later.from).toFixed(1)} ms before ${earlier.identity} had to stop in term ${earlier.term}`,
      ),
  );
}

function endOf({ heldUntil, stoppedAt }: Reign): number {
  return Math.min(heldUntil, stoppedAt);
}
