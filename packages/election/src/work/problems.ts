import { type Logger, messageOf } from '@incumbent/core/client';

/** Tells what goes wrong: the same problem once, not at each attempt. */
export class Problems {
  readonly #log: Logger;
  #last = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `what`: a sentence's beginning, without what was wrong. */
  tell(what: string, error: unknown): void {
    const problem = `${what}: ${messageOf(error)}`;
    this.#log[problem === this.#last ? 'debug' : 'warn']({ err: error }, problem);
    this.#last = problem;
  }

  over(): void {
    this.#last = '';
  }
}
