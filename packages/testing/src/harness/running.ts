/** Something that runs beside a test, such as an operator: started, watched for failure, stopped. */

/** An `Operator`, or anything that runs until a signal tells it to end. */
export interface Runnable {
  run(options: { readonly signal: AbortSignal }): Promise<unknown>;
}

export type Run = Runnable | ((signal: AbortSignal) => Promise<unknown>);

export class Running {
  readonly #end = new AbortController();
  readonly #failure = new AbortController();
  readonly #ended: Promise<unknown>;
  #stopped = false;

  constructor(what: Run) {
    const { signal } = this.#end;
    this.#ended = (async () => (typeof what === 'function' ? what(signal) : what.run({ signal })))();
    this.#ended.catch((error: unknown) => this.#failure.abort(error));
  }

  /** Aborted with what it threw, should it fail. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** Whether {@link stop} was called: whoever called it was told of a failure. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Tells it to end and resolves when it has. May be called twice. @throws what it failed with, whenever that was */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#end.abort();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
