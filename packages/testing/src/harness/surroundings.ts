/** The one room of the harness that reads the environment and clocks, and sets timers. */
import { setTimeout as wait } from 'node:timers/promises';

export const surroundings = {
  /** Read at each call: a test, or a script around it, may set it late. */
  serverVariable: (): string | undefined => process.env['INCUMBENT_TEST_SERVER'] || undefined,
  /** Milliseconds on a clock that never steps. */
  monotonic: (): number => performance.now(),
  pause,
};

/**
 * Resolves after `ms` milliseconds, or when `end` is aborted.
 *
 * By a timer of Node's own, which a runner's fake timers don't replace: a test that fakes time still ends.
 */
async function pause(ms: number, end?: AbortSignal): Promise<void> {
  await wait(ms, undefined, end ? { signal: end } : {}).catch(() => {});
}
