/** A controller that aborts with any of its parents, and lets go of them when disposed: long-lived parents keep no dead children. */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController();
  readonly #unlink: (() => void)[] = [];

  constructor(...parents: (AbortSignal | undefined)[]) {
    for (const parent of parents) if (parent) this.#link(parent);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this[Symbol.dispose]();
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    for (const unlink of this.#unlink.splice(0)) unlink();
  }

  #link(parent: AbortSignal): void {
    if (parent.aborted) return this.#controller.abort(parent.reason);
    const listener = (): void => this.abort(parent.reason);
    parent.addEventListener('abort', listener, { once: true });
    this.#unlink.push(() => parent.removeEventListener('abort', listener));
  }
}

/** Resolves when `signal` aborts. Never rejects. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
