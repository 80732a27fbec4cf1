import { type Clock, type Lease, type Logger, LinkedAbort, isForbidden, sleep } from '@incumbent/core/client';
import { fingerprintOf } from '../lease/lease-record.js';
import type { LeasePort } from '../lease/lease-port.js';
import type { Observation } from './decide.js';
import { explain } from './explain.js';
import type { ResolvedTimings } from './options.js';
import { Patience } from './patience.js';

/** Milliseconds after which a watch that was forbidden is tried again: roles get corrected. */
const FORBIDDEN_PAUSE = 5 * 60_000;

export interface ObserverParts {
  readonly lease: LeasePort;
  readonly key: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly log: Logger;
  readonly timings: ResolvedTimings;
  /** Called after each change of {@link Observer.current}. */
  readonly onChange: () => void;
}

/**
 * Keeps the latest sight of one Lease: a GET, then a watch from there, again and again.
 *
 * A GET outranks every watch event, in either direction: after a restore of etcd, versions go backwards.
 */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #patience: Patience;
  #current: Observation = { kind: 'unknown' };
  /** Counts what outranks answers and events that were under way: those of an older epoch are dropped. */
  #epoch = 0;
  #running = false;
  #watching = new LinkedAbort();
  #refreshing: ((seen: boolean) => void)[] = [];
  /** Set while {@link current} is as new as a GET would be. */
  #fresh = false;
  #failingSince: number | undefined;
  #failure = '';
  #noWatchBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.timings, parts.clock);
  }

  get current(): Observation {
    return this.#current;
  }

  /** What has kept us from seeing the Lease for longer than a lease duration, or undefined. */
  get blind(): string | undefined {
    const { clock, timings } = this.#parts;
    if (this.#failingSince === undefined || clock.monotonic() - this.#failingSince < timings.leaseDuration)
      return undefined;
    return this.#failure;
  }

  /** Observes until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timings } = this.#parts;
    this.#running = true;
    while (!signal.aborted) {
      using watching = new LinkedAbort(signal);
      this.#watching = watching;
      const earliest = clock.monotonic() + timings.retryPeriod;
      const seen = this.#fresh || (await this.#look(watching.signal));
      this.#fresh = false;
      const mayWatch = clock.monotonic() >= this.#noWatchBefore;
      if (seen && mayWatch && !watching.signal.aborted) await this.#watch(watching.signal);
      // A refresh reopens at once, and so does a watch that ran for a while.
      const pause = earliest - clock.monotonic();
      if (pause > 0 && !watching.signal.aborted) await sleep(clock, pause, watching.signal);
    }
    this.#refreshed(false);
  }

  /** Reads the Lease anew and, where it runs, reopens the watch from there. Resolves to whether the read succeeded. */
  refresh(): Promise<boolean> {
    if (!this.#running) return this.#look(new AbortController().signal);
    const refreshed = new Promise<boolean>((resolve) => this.#refreshing.push(resolve));
    this.#fresh = false;
    this.#watching.abort();
    return refreshed;
  }

  /** An answer to our own write: as good as a GET. `reopen`: events of versions before it may be on their way. */
  note(lease: Lease, { reopen }: { readonly reopen: boolean }): void {
    this.#epoch++;
    this.#see(lease);
    if (!reopen) return;
    this.#fresh = true;
    this.#watching.abort();
  }

  async #look(signal: AbortSignal): Promise<boolean> {
    const { lease } = this.#parts;
    const epoch = ++this.#epoch;
    try {
      const seen = await this.#patience.attempt((timeout) => lease.get({ timeout, signal }));
      if (signal.aborted) return false;
      this.#failingSince = undefined;
      if (epoch === this.#epoch) this.#see(seen);
      this.#refreshed(true);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#failed(error, 'get');
      this.#refreshed(false);
      return false;
    }
  }

  #refreshed(seen: boolean): void {
    for (const resolve of this.#refreshing.splice(0)) resolve(seen);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { lease } = this.#parts;
    const resourceVersion =
      this.#current.kind === 'present' ? this.#current.lease.metadata.resourceVersion : undefined;
    try {
      for await (const event of lease.watch(resourceVersion, signal)) {
        if (signal.aborted) return;
        this.#failingSince = undefined;
        if (event.type !== 'BOOKMARK') this.#see(event.type === 'DELETED' ? undefined : event.object);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isForbidden(error)) this.#pollInstead(error);
      else this.#failed(error, 'watch');
    }
  }

  #see(lease: Lease | undefined): void {
    const before = this.#current;
    const now = this.#parts.clock.monotonic();
    if (lease) this.#current = { kind: 'present', lease, since: sinceOf(before, lease) ?? now };
    else if (before.kind !== 'absent')
      this.#current = { kind: 'absent', last: before.kind === 'present' ? before : undefined };
    this.#parts.onChange();
  }

  #pollInstead(error: unknown): void {
    const { clock, log, key, timings } = this.#parts;
    const first = this.#noWatchBefore === Number.NEGATIVE_INFINITY;
    this.#noWatchBefore = clock.monotonic() + FORBIDDEN_PAUSE;
    log[first ? 'warn' : 'debug'](
      {},
      `${explain(error, 'watch', key)} Until then the Lease is read every ${timings.retryPeriod} ms, and handovers take that much longer.`,
    );
  }

  #failed(error: unknown, verb: string): void {
    const { clock, log, key } = this.#parts;
    this.#failure = explain(error, verb, key);
    const first = this.#failingSince === undefined;
    this.#failingSince ??= clock.monotonic();
    log[first ? 'warn' : 'debug']({}, this.#failure);
  }
}

/** An unchanged record goes on counting from when it was first seen. */
function sinceOf(before: Observation, lease: Lease): number | undefined {
  if (before.kind === 'unknown') return undefined;
  const last = before.kind === 'present' ? before : before.last;
  return last &&
    last.lease.metadata.uid === lease.metadata.uid &&
    fingerprintOf(last.lease) === fingerprintOf(lease)
    ? last.since
    : undefined;
}
