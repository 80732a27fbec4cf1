import { BehaviorSubject } from 'rxjs';
import { AuthorityLostError, type Term } from './authority.js';
import type { Leadership, LeadershipState } from './leadership.js';

/**
 * Leads at once and for as long as it runs, asking nobody: for a single replica, or a laptop.
 *
 * Two processes that both lead `alone()` both write. Use an election as soon as there may be two, also for a moment,
 * as in a rolling update.
 */
export function alone(): () => Leadership {
  return () => new Alone();
}

class Alone implements Leadership {
  readonly #state = new BehaviorSubject<LeadershipState>({
    phase: 'starting',
    identity: 'alone',
    leader: undefined,
    term: undefined,
  });
  readonly state$ = this.#state.asObservable();

  async run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    const term = new EndlessTerm(signal);
    try {
      if (signal.aborted) return;
      this.#enter('leading');
      await lead(term);
    } finally {
      term.end();
      this.#enter('stopped');
      this.#state.complete();
    }
  }

  notReady(): undefined {}

  notLive(): undefined {}

  #enter(phase: LeadershipState['phase']): void {
    this.#state.next({
      phase,
      identity: 'alone',
      leader: phase === 'leading' ? 'alone' : undefined,
      term: 1,
    });
  }
}

/** Held until its work has ended: being asked to stop takes no right away. */
class EndlessTerm implements Term {
  readonly number = 1;
  readonly token = '1';
  readonly signal: AbortSignal;
  #ended = false;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  remaining(): number {
    return this.#ended ? 0 : Number.POSITIVE_INFINITY;
  }

  assertHeld(): void {
    if (this.#ended) throw new AuthorityLostError('The work that led alone has ended. Nothing was sent.');
  }

  mayStillCommit(): () => void {
    return () => {};
  }

  end(): void {
    this.#ended = true;
  }
}
