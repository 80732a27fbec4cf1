/**
 * Leader election whose Lease is renewed by a worker thread.
 *
 * The thread runs a whole elector; the work runs here. What keeps writes in, and what keeps the lease, needs no messages: how long the
 * term lasts, and when either event loop last turned, lie in shared memory. Messages say what may come late: who leads, that work
 * should begin or end, that it has ended. The thread releases nothing before it is told that.
 *
 * If this thread does not answer for `mainThreadLimit`, the lease is not renewed any more, and the term runs out as if the server
 * were gone. If the other thread dies the term is lost; another one is started.
 */
import type { Events } from '@incumbent/core';
import {
  BackOff,
  type Clock,
  type Connection,
  IncumbentError,
  type LeadershipState,
  type Logger,
  type Metrics,
  type Random,
  formatDuration,
  isIncumbentError,
  noMetrics,
  silentLogger,
  sleep,
  systemRandom,
} from '@incumbent/core/client';
import { BehaviorSubject, type Observable, distinctUntilChanged } from 'rxjs';
import { resolveIdentity } from '../elector/identity.js';
import type { Candidate } from '../elector/leader-elector.js';
import { ElectionMetrics } from '../elector/metrics.js';
import { type ElectionOptions, type ResolvedTimings, resolveTimings } from '../elector/options.js';
import { Following } from './following.js';
import type { ThreadData } from './messages.js';
import { type WorkerThreadOptions, resolveMainThreadLimit } from './options.js';
import { processClock } from './process-clock.js';
import { Pulse } from './pulse.js';
import type { RemoteTerm } from './remote-term.js';
import { replay } from './reports.js';
import { type StartThread, startWorkerThread } from './thread-handle.js';
import { ThreadSession } from './thread-session.js';

export interface WorkerElectorOptions extends ElectionOptions, Omit<WorkerThreadOptions, 'thread'> {
  readonly thread?: 'worker' | undefined;
  /** The connection that the work uses. The thread makes one of its own, and refuses to elect by another server. */
  readonly connection?: Connection | undefined;
  readonly random?: Random | undefined;
  readonly log?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
  /** Takes Events on the Lease: who became leader, and who stopped. @defaultValue none */
  readonly events?: Events | undefined;
  /** One that counts the same in both threads. For tests. */
  readonly clock?: Clock | undefined;
  /** For tests. */
  readonly startThread?: StartThread | undefined;
}

/** Milliseconds between the end of a thread and the start of the next. */
const RESTART = { start: 1000, cap: 30_000, jitter: 0.5 } as const;
/** A thread that ran for so many milliseconds was sound: the next one starts soon after it. */
const SOUND = 60_000;
/** What does not get better by trying again, if it was so from the start. */
const MISCONFIGURED = ['CONNECTION_CONFIG', 'ELECTION_THREAD_SERVER'];

export class WorkerElector {
  readonly identity: string;
  readonly state$: Observable<LeadershipState>;
  readonly #options: WorkerElectorOptions;
  readonly #data: ThreadData;
  readonly #name: string;
  readonly #timings: ResolvedTimings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #pulse: Pulse;
  readonly #metrics: ElectionMetrics;
  readonly #state: BehaviorSubject<LeadershipState>;
  readonly #ending = new AbortController();
  #session: ThreadSession | undefined;
  #down: string | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @throws {@link ElectionOptionsError} when the timings don't fit each other, or `mainThreadLimit` is too short */
  constructor(options: WorkerElectorOptions) {
    const { random = systemRandom, clock = processClock, metrics = noMetrics } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.identity = resolveIdentity(options, random);
    this.#timings = resolveTimings(options);
    this.#pulse = Pulse.allocate(clock);
    this.#data = threadData(options, this.identity, this.#pulse.memory);
    this.#name = `${this.#data.election.namespace}/${this.#data.election.name}`;
    this.#log = (options.log ?? silentLogger).child({ lease: this.#name, identity: this.identity });
    this.#metrics = new ElectionMetrics(metrics, options.name);
    const phase = 'starting';
    this.#state = new BehaviorSubject<LeadershipState>({
      phase,
      identity: this.identity,
      leader: undefined,
      term: undefined,
    });
    this.state$ = this.#state.pipe(distinctUntilChanged(sameState));
  }

  /** Whether this replica leads now: asks the clock and the shared memory, so that it is false in time also after a pause. */
  get isLeader(): boolean {
    return (this.#session?.term?.remaining() ?? 0) > 0;
  }

  /**
   * As `LeaderElector.run`: takes part until the candidate's signal aborts; then ends the work, has the lease released and resolves.
   *
   * @throws what `leading` or `following` threw unasked, after the release; `CONNECTION_CONFIG` and `ELECTION_THREAD_SERVER` when the
   * thread can't connect to the right server from the start
   */
  async run(candidate: Candidate): Promise<void> {
    const stop = (): void => this.#stop();
    candidate.signal.addEventListener('abort', stop);
    const stopBeating = this.#pulse.keepBeating('main');
    const following = new Following(candidate.following ?? (async () => {}), (error) => this.#fail(error));
    try {
      if (!candidate.signal.aborted) await this.#campaign(candidate, following);
    } finally {
      candidate.signal.removeEventListener('abort', stop);
      stopBeating();
      await following.end();
      this.#enter('stopped');
      this.#state.complete();
    }
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends the current term, if there is one, as soon as its work has ended, and lets others go first. */
  stepDown(): void {
    this.#session?.stepDown(undefined);
  }

  /** As {@link stepDown}, in favour of a replica: an identity, or the pod name that it starts with. */
  handOver(heir: string): void {
    this.#session?.stepDown(heir);
  }

  /** Why this replica can't take part, or undefined. Followers are ready. */
  notReady(): string | undefined {
    if (this.isLeader) return undefined;
    return this.#down ?? this.#threadSilent() ?? this.#session?.notReady;
  }

  /** Why the process should be restarted, or undefined: work that outlives its term by more than its grace, or a thread that hangs. */
  notLive(): string | undefined {
    const term = this.#session?.term;
    const lingering = term ? -term.leaseRemaining() : 0;
    if (term && lingering >= this.#timings.drainGrace)
      return `The work of term ${term.number} of Lease ${this.#name} has not ended ${formatDuration(lingering)} after the term: it ignores its signal.`;
    return this.#threadSilent();
  }

  async #campaign({ leading, signal }: Candidate, following: Following): Promise<void> {
    let backOff = new BackOff(RESTART, this.#random);
    while (!this.#ending.signal.aborted) {
      this.#enter('following');
      following.begin();
      const session = this.#makeSession((term) => this.#lead(term, { leading, signal }, following));
      const startedAt = this.#clock.monotonic();
      const cause = await session.run();
      if (!cause) continue;
      this.#threadDied(cause, session);
      if (this.#clock.monotonic() - startedAt >= SOUND) backOff = backOff.reset();
      this.#log.error(
        { err: cause },
        `${this.#down ?? ''} Another one starts in ${formatDuration(backOff.duration)}.`,
      );
      await sleep(this.#clock, backOff.duration, this.#ending.signal);
      backOff = backOff.next();
    }
  }

  #makeSession(lead: (term: RemoteTerm) => Promise<void>): ThreadSession {
    this.#pulse.beat('thread');
    const { log, metrics = noMetrics, events } = this.#options;
    this.#session = new ThreadSession({
      data: this.#data,
      startThread: this.#options.startThread ?? startWorkerThread,
      clock: this.#clock,
      transit: this.#timings.leaseDuration - this.#timings.renewDeadline,
      // Room for the last writes to settle and for a release that is tried until the deadline.
      endGrace: 2 * this.#timings.leaseDuration,
      lead,
      onObserved: ({ leader, term }) => {
        this.#down = undefined;
        this.#enter(this.#state.value.phase, { leader, term });
      },
      onReport: (report) => replay(report, { log: log ?? silentLogger, metrics, events }),
    });
    return this.#session;
  }

  async #lead(
    term: RemoteTerm,
    { leading, signal }: Pick<Candidate, 'leading' | 'signal'>,
    following: Following,
  ): Promise<void> {
    await following.end();
    if (this.#ending.signal.aborted || term.signal.aborted || term.remaining() <= 0) return;
    this.#enter('leading');
    term.signal.addEventListener('abort', () => this.#enter('draining'), { once: true });
    try {
      await leading(term);
    } catch (error) {
      if (!term.signal.aborted) this.#fail(error);
      else
        this.#log.debug(
          { err: error },
          `The work of term ${term.number} ended with an error after it was asked to end.`,
        );
    }
    term.finish('ended');
    if (signal.aborted || this.#failure) return;
    this.#enter('following');
    following.begin();
  }

  #threadDied(cause: IncumbentError, session: ThreadSession): void {
    if (!session.began && MISCONFIGURED.some((code) => isIncumbentError(cause, code))) throw cause;
    this.#down = `The thread that renews Lease ${this.#name} is gone: ${cause.message.replace(/\.$/, '')}.`;
    this.#metrics.leading(false);
  }

  #threadSilent(): string | undefined {
    const silence = this.#pulse.silenceOf('thread');
    if (!this.#session?.began || this.#down || silence < this.#timings.leaseDuration) return undefined;
    return `The thread that renews Lease ${this.#name} has not answered for ${formatDuration(silence)}.`;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stop();
  }

  #stop(): void {
    this.#ending.abort();
    this.#session?.stop();
  }

  #enter(
    phase: LeadershipState['phase'],
    seen: Pick<LeadershipState, 'leader' | 'term'> = this.#state.value,
  ): void {
    const term = this.#session?.term?.number ?? seen.term;
    this.#state.next({ phase, identity: this.identity, leader: seen.leader, term });
  }
}

/** Everything about the election is plain data, and goes to the thread as it is. */
function threadData(options: WorkerElectorOptions, identity: string, pulse: SharedArrayBuffer): ThreadData {
  const { connection, connect = {}, thread: _t, mainThreadLimit, ...others } = options;
  const { random: _r, log: _l, metrics: _m, events: _e, clock: _c, startThread: _s, ...election } = others;
  const namespace = options.namespace ?? connection?.namespace ?? connect.namespace ?? 'default';
  return {
    election: { ...election, namespace, identity },
    connect,
    // Whoever names a kubeconfig or a context knows which server that is, perhaps by another address.
    server: connect.kubeconfig || connect.context ? undefined : connection?.server.href,
    mainThreadLimit: resolveMainThreadLimit(mainThreadLimit),
    pulse,
  };
}

function sameState(a: LeadershipState, b: LeadershipState): boolean {
  return a.phase === b.phase && a.leader === b.leader && a.term === b.term;
}
