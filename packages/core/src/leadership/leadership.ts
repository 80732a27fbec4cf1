import type { Observable } from 'rxjs';
import type { Term } from './authority.js';

export interface LeadershipState {
  /**
   * `starting`: nothing observed yet. `following`: somebody else leads, or nobody. `leading`: this replica does.
   * `draining`: the term ends and its work is being awaited. `stopped`: {@link Leadership.run} has returned.
   */
  readonly phase: 'starting' | 'following' | 'leading' | 'draining' | 'stopped';
  /** Identity of this replica. */
  readonly identity: string;
  /** Identity of the holder as this replica last saw it; undefined when nobody holds. */
  readonly leader: string | undefined;
  /** Number of the term that this replica holds, or that it last saw. */
  readonly term: number | undefined;
}

/** Decides when this replica may lead. The port between operators and elections. */
export interface Leadership {
  /** Replays the current state to each subscriber. Errors never; completes when {@link run} returns. */
  readonly state$: Observable<LeadershipState>;
  /**
   * Campaigns until `signal` aborts, calling `lead` once for each term that is won.
   *
   * Calls never overlap: a term's right is handed on, or won again, only after the promise of the last call has settled.
   * Resolves after `signal` has aborted, the running call has ended and the right has been released.
   */
  run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void>;
  /** What is wrong with taking part, in a sentence, or undefined. A follower is ready. */
  notReady(): string | undefined;
  /** Why this process should be restarted, in a sentence, or undefined. */
  notLive(): string | undefined;
}
