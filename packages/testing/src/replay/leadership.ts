import {
  aborted,
  AuthorityLostError,
  type Leadership,
  type LeadershipState,
  LinkedAbort,
  type Term,
} from '@incumbent/core';
import { BehaviorSubject } from 'rxjs';

/** A leadership that loses its term when it is told to, and wins the next one once the work of the last has ended. */
export class ScriptedLeadership implements Leadership {
  readonly #state = new BehaviorSubject<LeadershipState>({
    phase: 'following',
    identity: 'replay',
    leader: undefined,
    term: undefined,
  });
  readonly state$ = this.#state.asObservable();
  #number: number;
  #term: ScriptedTerm | undefined;

  /** `from`: number of the first term. */
  constructor(from: number) {
    this.#number = from;
  }

  loseTerm(): void {
    this.#term?.lose();
  }

  async run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      using abort = new LinkedAbort(signal);
      const term = new ScriptedTerm(this.#number++, abort);
      this.#term = term;
      this.#state.next({ phase: 'leading', identity: 'replay', leader: 'replay', term: term.number });
      await Promise.all([lead(term), aborted(abort.signal)]);
    }
    this.#state.complete();
  }

  notReady(): undefined {}

  notLive(): undefined {}
}

class ScriptedTerm implements Term {
  readonly number: number;
  readonly token: string;
  readonly #abort: LinkedAbort;
  #lost = false;

  constructor(number: number, abort: LinkedAbort) {
    this.number = number;
    this.token = String(number);
    this.#abort = abort;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  lose(): void {
    this.#lost = true;
    this.#abort.abort(new AuthorityLostError(`Term ${this.number} is over: the replay took its lease away.`));
  }

  remaining(): number {
    return this.#lost ? 0 : 60_000;
  }

  assertHeld(): void {
    if (this.#lost) throw new AuthorityLostError(`Term ${this.number} is over. Nothing was sent.`);
  }

  mayStillCommit(): () => void {
    return () => {};
  }
}
