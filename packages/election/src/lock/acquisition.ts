import { LinkedAbort, formatDuration, formatKey, milliseconds } from '@incumbent/core/client';
import { Candidacy } from './candidacy.js';
import { HeldLock } from './held-lock.js';
import { LockError, LockHeldError, type LockHolder, LockTimeoutError } from './lock-errors.js';
import type { AcquireOptions, ResolvedLock } from './lock-options.js';
import { Turns } from './turns.js';

/** Acquires one of several Leases. Those who ask one object queue up before it, so that only the first of them has to watch. */
export class Acquirer {
  readonly #lock: ResolvedLock;
  readonly #name: string;
  readonly #leases: readonly string[];
  readonly #queue = new Turns();

  /** `name`: what errors call it. */
  constructor(lock: ResolvedLock, name: string, leases: readonly string[]) {
    this.#lock = lock;
    this.#name = formatKey({ namespace: lock.namespace, name });
    this.#leases = leases;
  }

  async acquire(options: AcquireOptions): Promise<HeldLock> {
    const { clock } = this.#lock;
    using limit = new LinkedAbort(options.signal);
    const { timeout } = options;
    const cancel =
      timeout === undefined
        ? () => {}
        : clock.schedule(milliseconds(timeout), () => limit.abort(new TimedOut(milliseconds(timeout))));
    try {
      return await this.#inTurn(options, limit.signal);
    } finally {
      cancel();
    }
  }

  /** A try looks once, and waits for nobody. */
  async #inTurn(options: AcquireOptions, limit: AbortSignal): Promise<HeldLock> {
    if (options.try) return this.#contend(options, limit);
    if (!(await this.#queue.take(limit))) throw gaveUp(this.#name, limit, []);
    try {
      return await this.#contend(options, limit);
    } finally {
      this.#queue.pass();
    }
  }

  #contend({ try: once = false, signal }: AcquireOptions, limit: AbortSignal): Promise<HeldLock> {
    const [lock, name, leases] = [this.#lock, this.#name, this.#shuffled()];
    return new Acquisition({ lock, name, leases, once, signal, limit }).run();
  }

  /** So that many who come at once don't all start with the same one. */
  #shuffled(): string[] {
    const { random } = this.#lock;
    return this.#leases
      .map((name) => ({ name, at: random.next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ name }) => name);
  }
}

interface AcquisitionOptions {
  readonly lock: ResolvedLock;
  readonly name: string;
  readonly leases: readonly string[];
  readonly once: boolean;
  /** Ends also what was acquired. */
  readonly signal: AbortSignal | undefined;
  /** Ends the wait. */
  readonly limit: AbortSignal;
}

type Result = { readonly held: HeldLock } | { readonly error: LockError };

/** One acquisition: stands for all leases, keeps the first that is won. Nothing of it is left running when it fails. */
class Acquisition {
  readonly #options: AcquisitionOptions;
  readonly #candidacies: readonly Candidacy[];
  #settle: ((result: Result) => void) | undefined;

  constructor(options: AcquisitionOptions) {
    this.#options = options;
    const { lock, leases, once, signal } = options;
    const [turns, identity] = [new Turns(), lock.newIdentity()];
    const onChange = (): void => this.#judge();
    this.#candidacies = leases.map(
      (name) => new Candidacy({ lock, name, identity, turns, once, signal, onChange }),
    );
  }

  async run(): Promise<HeldLock> {
    const { limit } = this.#options;
    const onLimit = (): void => this.#judge();
    const result = await new Promise<Result>((resolve) => {
      this.#settle = resolve;
      limit.addEventListener('abort', onLimit);
      for (const candidacy of this.#candidacies) candidacy.start();
      this.#judge();
    });
    limit.removeEventListener('abort', onLimit);
    const kept = 'held' in result ? result.held.lease : undefined;
    await Promise.all(this.#candidacies.filter(({ name }) => name !== kept).map((other) => other.stop()));
    if ('error' in result) throw result.error;
    return result.held;
  }

  /** The first result counts. */
  #judge(): void {
    const result = this.#result();
    if (result) this.#settle?.(result);
  }

  #result(): Result | undefined {
    const { limit, name, once } = this.#options;
    for (const candidacy of this.#candidacies)
      if (candidacy.term) return { held: new HeldLock(candidacy, candidacy.term) };
    const problem = this.#candidacies.find((candidacy) => candidacy.problem)?.problem;
    if (problem) return { error: problem };
    const obstacles = this.#obstacles();
    if (limit.aborted && this.#mayGiveUp()) {
      const failure = this.#candidacies.find(({ lastFailure }) => lastFailure)?.lastFailure;
      return { error: gaveUp(name, limit, obstacles, failure) };
    }
    if (once && obstacles.length === this.#candidacies.length)
      return { error: new LockHeldError(name, obstacles) };
    return undefined;
  }

  #obstacles(): LockHolder[] {
    return this.#candidacies.flatMap(({ obstacle, sittingOut }) =>
      obstacle && !sittingOut ? [obstacle] : [],
    );
  }

  /** What is won and only sits out its delay is worth waiting for, unless the caller has lost interest. */
  #mayGiveUp(): boolean {
    const timedOut = this.#options.limit.reason instanceof TimedOut;
    return !timedOut || !this.#candidacies.some(({ sittingOut }) => sittingOut);
  }
}

class TimedOut {
  constructor(readonly after: number) {}
}

function gaveUp(
  name: string,
  { reason }: AbortSignal,
  obstacles: readonly LockHolder[],
  failure?: string,
): LockError {
  if (reason instanceof TimedOut)
    return new LockTimeoutError(name, formatDuration(reason.after), obstacles, failure);
  return new LockError('LOCK_ABORTED', name, `The wait for ${name} was aborted.`, { cause: reason });
}
