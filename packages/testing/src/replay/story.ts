import type { Clock } from '@incumbent/core';

/** What happened in a run, told line by line with the virtual time. */
export class Story {
  readonly #clock: Clock;
  readonly #lines: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  tell(line: string): void {
    this.#lines.push(`${(this.#clock.monotonic() / 1000).toFixed(3).padStart(9)} s  ${line}`);
  }

  /** The last `most` lines. */
  text(most = 60): string {
    const left = this.#lines.length - most;
    return [...(left > 0 ? [`  (${left} lines before)`] : []), ...this.#lines.slice(-most)].join('\n');
  }
}
