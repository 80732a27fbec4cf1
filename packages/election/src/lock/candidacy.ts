import {
  LinkedAbort,
  RequestError,
  type Term,
  formatKey,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isIncumbentError,
  isNotFound,
} from '@incumbent/core/client';
import { explain } from '../elector/explain.js';
import { LeaderElector } from '../elector/leader-elector.js';
import { LockError, type LockHolder } from './lock-errors.js';
import { LockLease } from './lock-lease.js';
import type { ResolvedLock } from './lock-options.js';
import type { Turns } from './turns.js';

export interface CandidacyOptions {
  readonly lock: ResolvedLock;
  /** Name of the Lease. */
  readonly name: string;
  readonly identity: string;
  readonly turns: Turns;
  /** Don't repeat what fails. */
  readonly once: boolean;
  readonly signal: AbortSignal | undefined;
  /** Called after each change of what can be asked. */
  readonly onChange: () => void;
}

/** Standing for one Lease once: from the campaign to the release. The election itself is a {@link LeaderElector}'s. */
export class Candidacy {
  /** `namespace/name` of the Lease. */
  readonly name: string;
  readonly #options: CandidacyOptions;
  readonly #lease: LockLease;
  readonly #elector: LeaderElector;
  readonly #stop: LinkedAbort;
  readonly #over: Promise<void>;
  #finish: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #term: Term | undefined;
  #problem: LockError | undefined;
  #lastFailure: string | undefined;

  constructor(options: CandidacyOptions) {
    const { lock, name, identity, turns, signal, onChange } = options;
    this.#options = options;
    this.name = formatKey({ namespace: lock.namespace, name });
    this.#stop = new LinkedAbort(signal);
    this.#over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#lease = new LockLease({
      lease: lock.leaseAt(name),
      name: this.name,
      identity,
      turns,
      signal: this.#stop.signal,
      onChange,
      onFailure: (error, verb) => this.#failed(error, verb),
    });
    const { election, namespace, clock, random, log } = lock;
    this.#elector = new LeaderElector({
      ...election,
      name,
      namespace,
      identity,
      lease: this.#lease,
      clock,
      random,
      log,
    });
  }

  /** The term, once it is won and any lock delay is over. */
  get term(): Term | undefined {
    return this.#term;
  }

  /** Whether it is won, and waits for the consequences of a lost predecessor to end. */
  get sittingOut(): boolean {
    return this.#elector.sittingOut;
  }

  get obstacle(): LockHolder | undefined {
    return this.#lease.obstacle;
  }

  /** Why it is no use to go on. */
  get problem(): LockError | undefined {
    return this.#problem;
  }

  /** In words, for people. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  start(): void {
    this.#running = this.#elector.run({
      leading: (term) => this.#lead(term),
      following: () => this.#follow(),
      signal: this.#stop.signal,
    });
  }

  /** Withdraws, or releases what is held: only to be called when the work has ended. Resolves when nothing is left of it. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    this.#finish();
    await this.#running;
    await this.#tidy('update', (lock) =>
      this.#lease.disown(lock.clock.wall(), { timeout: lock.attemptTimeout }),
    );
    if (!this.#options.lock.removeAfterUse) return;
    await this.#tidy('delete', (lock) => this.#lease.remove({ timeout: lock.attemptTimeout }));
  }

  async #lead(term: Term): Promise<void> {
    this.#term = term;
    this.#options.onChange();
    await this.#over;
  }

  /** Also after a term that was lost before it could be used, as in a lock delay. */
  async #follow(): Promise<void> {
    if (!this.#term) this.#lease.passTurn();
    this.#options.onChange();
  }

  #failed(error: unknown, verb: 'get' | 'create' | 'update'): void {
    const { lock, name, once, onChange } = this.#options;
    if (this.#term || this.sittingOut || this.#stop.signal.aborted) return;
    this.#lastFailure = explain(error, verb, { namespace: lock.namespace, name });
    if (!(isFinal(error, verb) || (once && isFailure(error, verb)))) return;
    this.#problem ??= new LockError('LOCK_UNAVAILABLE', this.name, this.#lastFailure, { cause: error });
    onChange();
  }

  /** One attempt: what fails costs the next a wait for the lease to lapse, or leaves an unused Lease. */
  async #tidy(verb: 'update' | 'delete', act: (lock: ResolvedLock) => Promise<void>): Promise<void> {
    const { lock, name } = this.#options;
    try {
      await act(lock);
    } catch (error) {
      // Somebody was waiting for it, and has it now.
      if (isConflict(error) || isNotFound(error)) return;
      lock.log.warn({ lock: this.name }, explain(error, verb, { namespace: lock.namespace, name }));
    }
  }
}

/** What an elector would wait out for weeks, and somebody who wants a lock should know at once. */
function isFinal(error: unknown, verb: string): boolean {
  return isForbidden(error) || (verb === 'create' && isNotFound(error));
}

/** A lost race is none, and a write whose answer was lost may have won: the elector reads and sees. */
function isFailure(error: unknown, verb: string): boolean {
  if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
  // A read that gives way to a newer one.
  if (isIncumbentError(error, 'REQUEST_ABORTED')) return false;
  const sent = isIncumbentError(error) && 'sent' in error && (error as RequestError).sent;
  return verb === 'get' || !sent;
}
