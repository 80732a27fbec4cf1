import type { Clock } from '../kit/clock.js';

interface Running {
  readonly key: string;
  /** Monotonic milliseconds at which it was told to stop. */
  toldToStop: number | undefined;
  cancel(): void;
}

/** The reconciles that run now, those of terms that are over included. */
export class RunningReconciles {
  readonly #clock: Clock;
  readonly #grace: number;
  readonly #running = new Set<Running>();

  /** @param grace milliseconds that one gets to end after it was told to */
  constructor(clock: Clock, grace: number) {
    this.#clock = clock;
    this.#grace = grace;
  }

  /**
   * A reconcile starts that `signal` tells to stop. `onOverstay` is called if it then goes on beyond the grace period.
   * Returns what says that it has ended.
   */
  start(key: string, signal: AbortSignal, onOverstay: () => void): () => void {
    const running: Running = { key, toldToStop: undefined, cancel: () => {} };
    const told = (): void => {
      running.toldToStop = this.#clock.monotonic();
      running.cancel = this.#clock.schedule(this.#grace, onOverstay);
    };
    if (signal.aborted) told();
    else signal.addEventListener('abort', told, { once: true });
    this.#running.add(running);
    return () => {
      signal.removeEventListener('abort', told);
      running.cancel();
      this.#running.delete(running);
    };
  }

  /** Keys whose reconcile runs although it was told to stop at least `grace` milliseconds ago. */
  overstaying(grace: number = this.#grace): string[] {
    const now = this.#clock.monotonic();
    return [...this.#running]
      .filter(({ toldToStop }) => toldToStop !== undefined && now - toldToStop >= grace)
      .map(({ key }) => key);
  }
}
