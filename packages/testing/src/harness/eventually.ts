/** Waits until an assertion holds; if it never does, tells what was awaited, how long, and why it failed to the last. */
import { TestServerError } from '../control-plane/error.js';
import { type Attempts, explain } from './explanation.js';
import { surroundings } from './surroundings.js';

/** A virtual clock, such as `VirtualClock` of `@incumbent/core/testing`. */
export interface MovableClock {
  /** Moves on by so many milliseconds. */
  advance(by: number): Promise<void>;
}

export interface EventuallyOptions {
  /** What is awaited, for the explanation: reads on after "Waited 4.0 s for ...". @defaultValue `'this'` */
  readonly what?: string;
  /** Milliseconds. @defaultValue 4000: Jest ends a test after 5 s, and then nobody would explain anything */
  readonly timeout?: number;
  /** Milliseconds between two attempts. @defaultValue 20 */
  readonly interval?: number;
  /** Gives up at once when it aborts. */
  readonly signal?: AbortSignal;
  /**
   * Moved on by `step` between two attempts, so that retries, resyncs and requeues come in no time. `timeout` and `interval` stay real,
   * since the API server's answers take real time.
   */
  readonly clock?: MovableClock;
  /** Milliseconds. Whatever times out on this clock does so by such steps. @defaultValue 1000 */
  readonly step?: number;
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Calls `assertion` again and again until it neither throws nor returns `false`; resolves with what it returned.
 *
 * *Guarantees*: at least one attempt; never two at a time. An attempt that hangs is given up at the timeout.
 *
 * @throws the last failure itself, its message and stack followed by the explanation; {@link TestServerError} `EVENTUALLY_FALSE` if the
 * assertion returned false, `EVENTUALLY_HANGS` if no attempt ever ended, `EVENTUALLY_ABORTED` if `signal` was, with its reason as the cause
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { what = 'this', timeout = 4000, signal } = options;
  const site = new Error('eventually');
  Error.captureStackTrace(site, eventually);
  const started = surroundings.monotonic();
  const over = new AbortController();
  const end = signal ? AbortSignal.any([over.signal, signal]) : over.signal;
  void surroundings.pause(timeout, over.signal).then(() => over.abort());
  const ended = aborted(end);
  const failures: unknown[] = [];
  try {
    for (let count = 1; ; count += 1) {
      const outcome = await Promise.race([attempt(assertion), ended]);
      if (outcome && 'value' in outcome) return outcome.value;
      if (outcome) failures.push(outcome.error);
      if (!end.aborted) await pass(options, end);
      if (!end.aborted) continue;
      const waited = surroundings.monotonic() - started;
      const attempts = { what, waited, count, failures, hanging: outcome === undefined };
      throw signal?.aborted ? gaveUp(attempts, signal) : explain(attempts, site);
    }
  } finally {
    over.abort();
  }
}

async function attempt<T>(assertion: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    const value = await assertion();
    return value === false ? { error: returnedFalse() } : { value };
  } catch (error) {
    return { error };
  }
}

/** Between two attempts. */
async function pass(
  { interval = 20, clock, step = 1000 }: EventuallyOptions,
  end: AbortSignal,
): Promise<void> {
  await clock?.advance(step);
  await surroundings.pause(interval, end);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function returnedFalse(): TestServerError {
  return new TestServerError('EVENTUALLY_FALSE', 'The assertion returned false.');
}

function gaveUp({ what, waited }: Attempts, { reason }: AbortSignal): TestServerError {
  const cause: unknown = reason;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TestServerError(
    'EVENTUALLY_ABORTED',
    `Gave up waiting for ${what} after ${(waited / 1000).toFixed(1)} s: ${why}`,
    { cause },
  );
}
