/** What is to be done at the end: all of it, newest first, also when some of it fails. */

export class Cleanups {
  readonly #tasks: (() => unknown)[] = [];
  #done = false;

  /** Whether everything has ended. While it ends, what is left may still be used. */
  get done(): boolean {
    return this.#done;
  }

  add(task: () => unknown): void {
    this.#tasks.push(task);
  }

  /** @throws the failure, or an AggregateError of several, after everything was tried */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let task = this.#tasks.pop(); task; task = this.#tasks.pop()) {
      try {
        await task();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#done = true;
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, messagesOf(failures));
  }
}

function messagesOf(failures: readonly unknown[]): string {
  const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  return `${failures.length} things failed at the end: ${messages.join('; ')}`;
}
