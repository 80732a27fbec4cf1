import { type ConnectOptions, type Duration, milliseconds } from '@incumbent/core/client';
import { ElectionOptionsError } from '../elector/options.js';

/** Where the Lease is watched and renewed. */
export type ThreadOptions =
  | { /** On the event loop of whoever runs the election. */ readonly thread?: 'main' | undefined }
  | WorkerThreadOptions;

export interface WorkerThreadOptions {
  /**
   * `'worker'`: on a thread of its own, so that work which keeps the event loop from turning loses no lease. Costs about 90 MB, a
   * connection of its own, and 0.4 s at the start.
   *
   * @defaultValue `'main'`
   */
  readonly thread: 'worker';
  /**
   * How long the lease is renewed for a main thread that does not answer. Longer ones are taken for hung: the term then lasts until
   * its renew deadline, and is another replica's after its duration.
   *
   * @defaultValue `'60s'`: long for a computation, and twice what a liveness probe with Kubernetes' defaults gives a hung process
   * (three failures, 10 s apart)
   * @throws {@link ElectionOptionsError} `ELECTION_MAIN_THREAD_LIMIT` below 1 s: a garbage collection would do
   */
  readonly mainThreadLimit?: Duration | undefined;
  /**
   * How the thread connects: what `connect()` was given for the connection that the work uses. A connection can't be shared by threads.
   *
   * @defaultValue as `connect()` without options; refused if that leads to another server than the given connection
   */
  readonly connect?: Omit<ConnectOptions, 'clock'> | undefined;
}

const LEAST_LIMIT = 1000;

/** @throws {@link ElectionOptionsError} `ELECTION_MAIN_THREAD_LIMIT` */
export function resolveMainThreadLimit(duration: Duration = '60s'): number {
  const limit = milliseconds(duration);
  if (limit >= LEAST_LIMIT) return limit;
  throw new ElectionOptionsError(
    'ELECTION_MAIN_THREAD_LIMIT',
    `mainThreadLimit (${limit} ms) must be at least ${LEAST_LIMIT} ms: shorter silences are no hang.`,
  );
}
