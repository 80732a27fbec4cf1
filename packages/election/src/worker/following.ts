/** What a replica does while it does not lead: begun and ended again and again. */
export class Following {
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #running: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;

  /** `onFailure` is told what `work` throws. */
  constructor(work: (signal: AbortSignal) => Promise<void>, onFailure: (error: unknown) => void) {
    this.#work = work;
    this.#onFailure = onFailure;
  }

  begin(): void {
    if (this.#running) return;
    const abort = new AbortController();
    this.#running = { abort, ended: this.#run(abort.signal) };
  }

  /** Resolves when it has ended. */
  async end(): Promise<void> {
    const running = this.#running;
    running?.abort.abort();
    await running?.ended;
    if (this.#running === running) this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      await this.#work(signal);
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
