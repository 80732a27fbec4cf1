import type { Clock } from '../kit/clock.js';

interface Running {
  readonly key: string;
  /** Monotonic milliseconds at which it was told to stop. */
  toldToStop: number | undefined;
}

/** The reconciles that run now, those of terms that are over included. */
export class RunningReconciles {
  readonly #clock: Clock;
  readonly #running = new Set<Running>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A reconcile starts that `signal` tells to stop. Returns what says that it has ended. */
  start(key: string, signal: AbortSignal): () => void {
    const running: Running = { key, toldToStop: signal.aborted ? this.#clock.monotonic() : undefined };
    const told = (): void => {
      running.toldToStop = this.#clock.monotonic();
    };
    signal.addEventListener('abort', told, { once: true });
    this.#running.add(running);
    return () => {
      signal.removeEventListener('abort', told);
      this.#running.delete(running);
    };
  }

  /** Keys whose reconcile runs although it was told to stop at least `grace` milliseconds ago. */
  overstaying(grace: number): string[] {
    const now = this.#clock.monotonic();
    return [...this.#running]
      .filter(({ toldToStop }) => toldToStop !== undefined && now - toldToStop >= grace)
      .map(({ key }) => key);
  }
}
