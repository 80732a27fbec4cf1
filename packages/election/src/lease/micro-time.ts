import { IncumbentError } from '@incumbent/core/client';

/**
 * A moment to the microsecond: `metav1.MicroTime` as a value. Reads and writes all six digits, which a `Date` would cut to three.
 *
 * Written by the wall clock of whoever wrote it: good for people, not to be compared between machines.
 */
export class MicroTime {
  /** Microseconds since 1970, UTC. */
  readonly epochMicroseconds: bigint;

  constructor(epochMicroseconds: bigint) {
    this.epochMicroseconds = epochMicroseconds;
  }

  static from(date: Date): MicroTime {
    return new MicroTime(BigInt(date.getTime()) * 1000n);
  }

  /**
   * Reads RFC 3339, with any number of digits and in any zone. Digits after the sixth are dropped.
   *
   * @throws {@link IncumbentError} `MICRO_TIME_INVALID`
   */
  static parse(text: string): MicroTime {
    const [, seconds, digits = '', zone] = RFC_3339.exec(text) ?? [];
    const milliseconds = Date.parse(`${seconds}${zone}`);
    if (Number.isNaN(milliseconds))
      throw new IncumbentError('MICRO_TIME_INVALID', `"${text}" is not a time like ${EXAMPLE}.`);
    return new MicroTime(BigInt(milliseconds) * 1000n + BigInt(digits.slice(0, 6).padEnd(6, '0')));
  }

  /** Cut to the millisecond. */
  toDate(): Date {
    return new Date(Number((this.epochMicroseconds - this.#belowMillisecond) / 1000n));
  }

  /** As the API server insists on: six digits, UTC. */
  toString(): string {
    const rest = this.#belowMillisecond.toString().padStart(3, '0');
    return `${this.toDate().toISOString().slice(0, -1)}${rest}Z`;
  }

  toJSON(): string {
    return this.toString();
  }

  equals(other: MicroTime): boolean {
    return this.epochMicroseconds === other.epochMicroseconds;
  }

  /** Milliseconds from `other` to this, fractions included; negative when this is earlier. */
  since(other: MicroTime): number {
    return Number(this.epochMicroseconds - other.epochMicroseconds) / 1000;
  }

  get #belowMillisecond(): bigint {
    return ((this.epochMicroseconds % 1000n) + 1000n) % 1000n;
  }
}

const RFC_3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;
const EXAMPLE = '2026-01-02T03:04:05.678901Z';

/** `metav1.MicroTime`: exactly six digits of a second, which the API server insists on. */
export function microTime(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000Z`;
}

/** `now`, or a second after `previous` if that is later: client-go compares renewals by whole seconds, and a wall clock may step back. */
export function laterMicroTime(now: Date, previous: string | undefined): string {
  const earliest = previous ? Date.parse(previous) + 1000 : Number.NEGATIVE_INFINITY;
  return microTime(earliest > now.getTime() ? new Date(earliest) : now);
}
