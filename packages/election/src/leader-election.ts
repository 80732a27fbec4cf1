import type { Leadership, LeadershipState, Term } from '@incumbent/core/client';
import type { Observable } from 'rxjs';
import { LeaderElector, type LeaderElectorOptions } from './elector/leader-elector.js';
import type { ElectionOptions } from './elector/options.js';

/** What an operator hands to its leadership. */
export type LeadershipRuntime = Pick<
  LeaderElectorOptions,
  'connection' | 'clock' | 'random' | 'log' | 'metrics'
>;

/**
 * Leadership for an operator: its reconcilers run only on the replica that holds the Lease.
 *
 * @throws {@link ElectionOptionsError} when the timings don't fit each other
 */
export function leaderElection(options: ElectionOptions): (runtime: LeadershipRuntime) => Leadership {
  return (runtime) => new LeaseLeadership(new LeaderElector({ ...runtime, ...options }));
}

class LeaseLeadership implements Leadership {
  readonly #elector: LeaderElector;
  readonly state$: Observable<LeadershipState>;

  constructor(elector: LeaderElector) {
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
