/** A queue of keys that one worker works off, a turn of the event loop later: how the server's own controllers run. */
import type { Environment } from './environment.js';

export class TaskQueue {
  readonly #environment: Environment;
  readonly #waiting = new Map<string, () => void>();
  #scheduled = false;
  #closed = false;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Runs `task` soon; a task that already waits under `key` is replaced. */
  add(key: string, task: () => void): void {
    this.#waiting.set(key, task);
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#environment.soon(() => this.#run());
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  /** Works off what waits now; what that adds comes next time, so that requests get their turn. */
  #run(): void {
    this.#scheduled = false;
    const tasks = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const task of tasks) if (!this.#closed) task();
  }
}
