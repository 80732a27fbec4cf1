import type { Leadership, LeadershipState, Term } from '@incumbent/core/client';
import type { Observable } from 'rxjs';
import { LeaderElector, type LeaderElectorOptions } from './elector/leader-elector.js';
import type { ElectionOptions } from './elector/options.js';
import type { ThreadOptions } from './worker/options.js';
import { WorkerElector } from './worker/worker-elector.js';

/** What an operator hands to its leadership. */
export type LeadershipRuntime = Pick<
  LeaderElectorOptions,
  'connection' | 'clock' | 'random' | 'log' | 'metrics' | 'events'
>;

/**
 * Leadership for an operator: its reconcilers run only on the replica that holds the Lease.
 *
 * With `thread: 'worker'` its renewals go on while a reconciler keeps the event loop from turning.
 *
 * @throws {@link ElectionOptionsError} when the timings don't fit each other
 */
export function leaderElection(
  options: ElectionOptions & ThreadOptions,
): (runtime: LeadershipRuntime) => Leadership {
  return (runtime) => new LeaseLeadership(electorFor(options, runtime));
}

function electorFor(
  options: ElectionOptions & ThreadOptions,
  runtime: LeadershipRuntime,
): LeaderElector | WorkerElector {
  if (options.thread !== 'worker') return new LeaderElector({ ...runtime, ...options });
  // All but the clock: the two threads need one that counts the same in both.
  const { connection, random, log, metrics, events } = runtime;
  return new WorkerElector({ connection, random, log, metrics, events, ...options });
}

class LeaseLeadership implements Leadership {
  readonly #elector: LeaderElector | WorkerElector;
  readonly state$: Observable<LeadershipState>;

  constructor(elector: LeaderElector | WorkerElector) {
    this.#elector = elector;
    this.state$ = elector.state$;
  }

  run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    return this.#elector.run({ leading: lead, signal });
  }

  notReady(): string | undefined {
    return this.#elector.notReady();
  }

  notLive(): string | undefined {
    return this.#elector.notLive();
  }
}
