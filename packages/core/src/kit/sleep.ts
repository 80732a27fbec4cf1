import type { Clock } from './clock.js';

/** Resolves after `delay` milliseconds, or at once when `signal` aborts: look at the signal after the await. Never rejects. */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.schedule(delay, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Lets timers and sockets have their turn: for loops that may run long without waiting for anything. */
export function nextTurn(clock: Clock): Promise<void> {
  return clock.turn?.() ?? new Promise((resolve) => setImmediate(resolve));
}
