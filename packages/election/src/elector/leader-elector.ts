/**
 * Leader election on a Lease.
 *
 * Everybody watches the Lease. Whoever sees it free, or unchanged for its duration as measured by its own clock, writes itself
 * into the version it saw; the server lets one such write through. The winner renews, and counts itself leader until its
 * renew deadline after its last successful renewal was *sent*; nobody else acts before the lease duration after that.
 * Wall clocks are written for people to read and never compared.
 *
 * Not covered: a pause of the process between the last look at the clock and the write, bytes that already lie in buffers of
 * kernels and proxies, and effects outside the API.
 */
import type { Events } from '@incumbent/core';
import { BehaviorSubject, type Observable, distinctUntilChanged } from 'rxjs';
import {
  type Clock,
  type Connection,
  IncumbentError,
  type LeadershipState,
  LinkedAbort,
  type Logger,
  type Metrics,
  type ObjectKey,
  type Random,
  type Term,
  formatDuration,
  noMetrics,
  silentLogger,
  systemClock,
  systemRandom,
} from '@incumbent/core/client';
import { LeaseClient } from '../lease/lease-client.js';
import type { LeasePort } from '../lease/lease-port.js';
import { recordOf } from '../lease/lease-record.js';
import type { LeaseTerm } from '../term/lease-term.js';
import { Campaign, type Win } from './campaign.js';
import type { ElectorParts } from './elector-parts.js';
import { isEarlierRun, resolveIdentity } from './identity.js';
import { LockDelay } from './lock-delay.js';
import { ElectionMetrics } from './metrics.js';
import { Observer } from './observer.js';
import { type ElectionOptions, ElectionOptionsError, resolveTimings, timingsWarning } from './options.js';
import { OwnRecords } from './own-records.js';
import { Reign, type ReignEnd, type ReignOptions } from './reign.js';
import { Steps } from './steps.js';
import { Tenure } from './tenure.js';
import { TermReports } from './term-reports.js';
import { Wakeup } from './wakeup.js';

export interface LeaderElectorOptions extends ElectionOptions {
  /** The API server that holds the Lease. */
  readonly connection?: Connection;
  /** The Lease itself, instead of a connection: for tests. */
  readonly lease?: LeasePort;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
  readonly metrics?: Metrics;
  /** Takes Events on the Lease: who became leader, and who stopped. @defaultValue none */
  readonly events?: Events;
}

export interface Candidate {
  /**
   * Called once for each term that is won; calls never overlap. `term.signal` asks it to end; until it settles, this replica
   * neither releases the lease nor campaigns again. Settling by itself gives the lease up for two retry periods.
   */
  readonly leading: (term: Term) => Promise<void>;
  /** Called whenever this replica does not lead, and ended by its signal before `leading` is called. */
  readonly following?: (signal: AbortSignal) => Promise<void>;
  /** Ends the candidacy: work is awaited, the lease released. */
  readonly signal: AbortSignal;
}

export class LeaderElector {
  readonly identity: string;
  readonly #parts: ElectorParts;
  readonly #campaign: Campaign;
  readonly #state: BehaviorSubject<LeadershipState>;
  readonly state$: Observable<LeadershipState>;
  readonly #reports: TermReports;
  #reign: Reign | undefined;
  #steps: Steps | undefined;
  #running = false;

  constructor(options: LeaderElectorOptions) {
    const { random = systemRandom, clock = systemClock } = options;
    this.identity = resolveIdentity(options, random);
    this.#parts = assemble(options, this.identity, clock, random, () => this.#observed());
    this.#reports = new TermReports(this.#parts, options.events);
    this.#campaign = new Campaign(this.#parts);
    this.#state = new BehaviorSubject<LeadershipState>({
      phase: 'starting',
      identity: this.identity,
      leader: undefined,
      term: undefined,
    });
    this.state$ = this.#state.pipe(distinctUntilChanged(sameState));
    const warning = timingsWarning(this.#parts.timings);
    if (warning) this.#parts.log.warn({}, warning);
  }

  /** Whether this replica leads now: asks the clock, so that it is false in time also after a pause. */
  get isLeader(): boolean {
    return this.#holds && !this.sittingOut;
  }

  /** Whether this replica holds the lease, and waits for its `lockDelay` to be over. */
  get sittingOut(): boolean {
    return this.#holds && this.#parts.lockDelay.sittingOut;
  }

  get #holds(): boolean {
    return (this.#reign?.term.remaining() ?? 0) > 0;
  }

  /** The term that this replica leads under, or undefined. Write through `client.under(elector.term)`. */
  get term(): Term | undefined {
    return this.isLeader ? this.#reign?.term : undefined;
  }

  /**
   * Takes part in the election until the candidate's signal aborts; then ends the work, releases the lease and resolves.
   *
   * Whatever happens to the Lease or the server, it goes on campaigning. Rejects only with an error that `leading` or
   * `following` threw unasked, after the lease was released.
   *
   * @throws {@link IncumbentError} `ELECTION_DRIVEN` when it runs already, or has been driven by {@link tryAcquireOrRenew}
   */
  async run(candidate: Candidate): Promise<void> {
    if (this.#running || this.#steps) throw driven(this.#parts.key);
    this.#running = true;
    const { observer, wakeup } = this.#parts;
    using observing = new LinkedAbort();
    const stop = (): void => this.#stop();
    candidate.signal.addEventListener('abort', stop);
    const observed = observer.run(observing.signal);
    try {
      while (!candidate.signal.aborted) await this.#round(candidate);
    } finally {
      candidate.signal.removeEventListener('abort', stop);
      observing.abort();
      wakeup.notify();
      await observed;
      await this.#parts.lease.close();
      this.#enter('stopped');
      this.#state.complete();
    }
  }

  /**
   * One attempt, for those who have a loop of their own instead of {@link run}: resolves to whether this replica leads now. To be called
   * every retry period or so, and at least twice per renew deadline while leading.
   *
   * Without a term it reads the Lease, and writes it if that shows it free. A lease that is held at the first look is only noted:
   * it is taken by a later call, once it has not changed for its duration. With a term it renews; an attempt that fails costs nothing
   * but time, until the renew deadline after the last renewal that succeeded. A term that turns out to be lost is over
   * with this call; the next one may win another.
   *
   * It never rejects because of the server: what went wrong is logged. What is done under a term is the caller's: write through
   * `client.under(elector.term)`, begin nothing and stop when `term.signal` is aborted (at the deadline also where no call comes), and call again only when
   * what ran under a lost term has ended. End with {@link release}.
   *
   * Calls that overlap are one.
   *
   * @throws {@link IncumbentError} `ELECTION_DRIVEN` after {@link run} was called: an elector is driven in one way
   * @see client-go, tools/leaderelection: tryAcquireOrRenew, which is what its own loop calls
   */
  async tryAcquireOrRenew(): Promise<boolean> {
    if (this.#running) throw driven(this.#parts.key);
    this.#steps ??= this.#makeSteps();
    await this.#steps.step();
    return this.isLeader;
  }

  /**
   * Ends the term that {@link tryAcquireOrRenew} has won: to be called when its work has ended. Resolves to whether the lease is
   * released; false where none was held, or where it is left to lapse because the server took no release until the deadline.
   *
   * Lets go of the sockets. A later {@link tryAcquireOrRenew} takes part again, after two retry periods for others.
   *
   * @throws {@link IncumbentError} `ELECTION_DRIVEN` after {@link run} was called: use {@link stepDown} there
   */
  async release(): Promise<boolean> {
    if (this.#running) throw driven(this.#parts.key);
    const released = (await this.#steps?.release()) ?? false;
    await this.#parts.lease.close();
    return released;
  }

  /** Ends the current term, if there is one, as soon as its work has ended, and lets others go first. */
  stepDown(): void {
    this.#reign?.drain();
  }

  /** As {@link stepDown}, in favour of a replica: an identity, or the pod name that it starts with. */
  handOver(heir: string): void {
    this.#reign?.drain(heir);
  }

  /** Why this replica can't take part, or undefined. Followers are ready. */
  notReady(): string | undefined {
    const { observer, key } = this.#parts;
    if (this.#holds) return undefined;
    if (observer.current.kind === 'unknown')
      return `Lease ${key.namespace}/${key.name} has not been read yet.`;
    return observer.blind;
  }

  /** Why the process should be restarted, or undefined: work that outlives its term by more than its grace. */
  notLive(): string | undefined {
    const { timings, key } = this.#parts;
    const reign = this.#reign;
    const lingering = reign ? -reign.term.leaseRemaining() : 0;
    if (!reign || lingering < timings.drainGrace) return undefined;
    return `The work of term ${reign.term.number} of Lease ${key.namespace}/${key.name} has not ended ${formatDuration(lingering)} after the term: it ignores its signal.`;
  }

  /** One turn of following and, if it is won, leading. */
  async #round({ leading, following = async () => {}, signal }: Candidate): Promise<void> {
    this.#enter('following');
    using followed = new LinkedAbort(signal);
    const follow = settled(following(followed.signal));
    void follow.then(({ failed }) => failed && this.#cancel(followed));
    const win = await this.#campaign.run(followed.signal);
    followed.abort();
    if (win) {
      await this.#lead(win, async (term) => {
        rethrow(await follow);
        // All the same while following came to its end.
        if (signal.aborted || term.signal.aborted || term.remaining() <= 0) return;
        this.#enter('leading');
        await leading(term);
      });
    }
    rethrow(await follow);
  }

  #makeSteps(): Steps {
    const { observer } = this.#parts;
    this.#enter('following');
    return new Steps({
      observer,
      campaign: this.#campaign,
      renew: async () => this.#reign?.renewNow(),
      lead: async (win, work) => {
        const leading = (term: LeaseTerm): Promise<void> => {
          this.#enter('leading');
          return work(term);
        };
        const ended = await this.#lead(win, leading, { renews: 'when asked' });
        this.#enter('following');
        return ended;
      },
    });
  }

  #cancel(followed: LinkedAbort): void {
    followed.abort();
    this.#parts.wakeup.notify();
  }

  async #lead(win: Win, work: (term: LeaseTerm) => Promise<void>, options?: ReignOptions): Promise<ReignEnd> {
    const { clock, timings, lockDelay } = this.#parts;
    const reign = new Reign(win, this.#parts, options);
    this.#reign = reign;
    this.#look();
    this.#reports.won(reign.term);
    const ended = await reign.run(async (term) => {
      term.signal.addEventListener('abort', () => this.#enter('draining'), { once: true });
      await lockDelay.sitOut(term);
      // Whoever was asked to step down meanwhile, or lost the lease, has nothing to begin.
      if (!term.signal.aborted && term.remaining() > 0) await work(term);
    });
    this.#reign = undefined;
    const others = ended.end === 'ended' ? 2 * timings.retryPeriod : 0;
    this.#campaign.pause(Math.max(others, reign.term.unsettledUntil - clock.monotonic()));
    this.#reports.over(reign.term, ended);
    if (ended.failure) throw ended.failure.error;
    return ended;
  }

  #stop(): void {
    this.#reign?.drain();
    this.#parts.wakeup.notify();
  }

  #observed(): void {
    this.#parts.wakeup.notify();
    this.#enter(this.#state.value.phase);
  }

  #look(): void {
    const { tenure, observer } = this.#parts;
    tenure.look(observer.current, this.#holds);
  }

  #enter(phase: LeadershipState['phase']): void {
    this.#look();
    const { current } = this.#parts.observer;
    const sighting = current.kind === 'present' ? recordOf(current.lease) : undefined;
    const leader = sighting?.holder || undefined;
    this.#state.next({
      phase,
      identity: this.identity,
      leader,
      term: this.#reign?.term.number ?? sighting?.transitions,
    });
  }
}

function driven({ namespace, name }: ObjectKey): IncumbentError {
  return new IncumbentError(
    'ELECTION_DRIVEN',
    `Election ${namespace}/${name}: an elector is driven once, either by run() or by tryAcquireOrRenew() and release(). Make another one.`,
  );
}

function assemble(
  options: LeaderElectorOptions,
  identity: string,
  clock: Clock,
  random: Random,
  onChange: () => void,
): ElectorParts {
  const { name, connection, metrics = noMetrics } = options;
  const namespace = options.namespace ?? connection?.namespace ?? 'default';
  const key = { namespace, name };
  const timings = resolveTimings(options);
  const lease = options.lease ?? (connection && new LeaseClient(connection, key, timings.attemptTimeout));
  if (!lease) throw new ElectionOptionsError('ELECTION_CONNECTION', `Election "${name}": give a connection.`);
  const log = (options.log ?? silentLogger).child({ lease: `${namespace}/${name}`, identity });
  const observer = new Observer({ lease, key, clock, log, timings, onChange });
  const [own, elections] = [new OwnRecords(), new ElectionMetrics(metrics, name)];
  const { leaseDuration, lockDelay: delay } = timings;
  return {
    lease,
    key,
    identity,
    earlierRun:
      options.retakeFromContainer === undefined
        ? undefined
        : {
            is: (holder) => isEarlierRun(holder, identity),
            wait: leaseDuration - timings.renewDeadline,
          },
    timings,
    clock,
    random,
    log,
    metrics: elections,
    observer,
    own,
    lockDelay: new LockDelay({ clock, log, key, own, delay }),
    tenure: new Tenure({ clock, metrics: elections, own, leaseDuration }),
    wakeup: new Wakeup(clock),
  };
}

type Settled = { readonly error?: unknown; readonly failed: boolean };

function settled(promise: Promise<void>): Promise<Settled> {
  return promise.then(
    () => ({ failed: false }),
    (error: unknown) => ({ failed: true, error }),
  );
}

function rethrow({ failed, error }: Settled): void {
  if (failed) throw error;
}

function sameState(a: LeadershipState, b: LeadershipState): boolean {
  return a.phase === b.phase && a.leader === b.leader && a.term === b.term;
}
