import type { AddressInfo } from 'node:net';
import type { Work } from '../controller/work.js';
import { aborted } from '../kit/abort.js';
import { IncumbentError, messageOf } from '../kit/error.js';
import { alone } from '../leadership/alone.js';
import type { Term } from '../leadership/authority.js';
import type { OperatorParts } from './assembly.js';
import { healthPage } from './health.js';
import { HttpServer } from './http-server.js';
import { logLevelPage } from './log-level-page.js';
import type { ResolvedOperatorOptions } from './options.js';
import { processMetrics } from './process-metrics.js';
import { ServedCheck } from './served-check.js';
import { type Stage, stopInOrder } from './stages.js';

/** Milliseconds. With a grace period of 20 s the whole fits into the 30 s that Kubernetes gives a pod by default. */
const GRACE = { release: 5000, events: 2000, caches: 1000, services: 1000, servers: 500 } as const;

/** One run of an operator, from its start to its stop. */
export class OperatorRun {
  readonly #options: ResolvedOperatorOptions;
  readonly #parts: OperatorParts;
  readonly #server: HttpServer;
  /** Tells controllers to end while the term is still held. */
  readonly #intake = new AbortController();
  /** Tells the leadership to release. */
  readonly #release = new AbortController();
  readonly #caches = new AbortController();
  readonly #served: ServedCheck;
  #caching: Promise<void> = Promise.resolve();
  #campaigns: Promise<void> = Promise.resolve();
  /** Controllers and runnables at work, by term. */
  readonly #working = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(options: ResolvedOperatorOptions, parts: OperatorParts) {
    this.#options = options;
    this.#parts = parts;
    const { connection, clock, random, log } = parts;
    const wait = options.absentResources === 'wait';
    this.#served = new ServedCheck({ connection, clock, random, log, wait });
    this.#server = new HttpServer(this.#pages());
  }

  get address(): AddressInfo | undefined {
    return this.#server.address;
  }

  /** @throws what made it stop unasked */
  async untilStopped(stop: AbortSignal): Promise<void> {
    const { clock, log, loopWatch } = this.#parts;
    using _watching = loopWatch.start();
    const failure = await this.#work(stop).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    this.#stopping = true;
    if (failure) log.error({ err: failure.error }, `stopping: ${messageOf(failure.error)}`);
    else log.info({}, 'stopping');
    await stopInOrder(this.#stages(), clock, log);
    if (failure) throw failure.error;
  }

  /** Starts everything in order, then waits. Rejects when something fails that can't go on. */
  async #work(stop: AbortSignal): Promise<void> {
    const { cache, log } = this.#parts;
    const { http, cacheSyncTimeout } = this.#options;
    if (stop.aborted) return;
    if (http) await this.#server.listen(http);
    if (this.address) log.info({ port: this.address.port }, 'serving health and metrics');
    await this.#served.run(this.#parts.planned, stop);
    if (stop.aborted) return;
    this.#caching = cache.run(this.#caches.signal);
    if (!(await this.#synced(stop, cacheSyncTimeout))) return;
    log.info({ informers: cache.informers.length }, 'caches are in step');
    this.#campaigns = this.#campaign();
    await Promise.race([aborted(stop), this.#campaigns]);
    if (!stop.aborted)
      throw new IncumbentError('LEADERSHIP_ENDED', 'The leadership ended by itself: this is a bug in it.');
  }

  /** Whether it did before it was told to stop. */
  async #synced(stop: AbortSignal, timeout: number): Promise<boolean> {
    try {
      await this.#parts.cache.waitForSync({ timeout, signal: stop });
    } catch (error) {
      if (!stop.aborted) throw error;
    }
    return !stop.aborted;
  }

  async #campaign(): Promise<void> {
    const { leadership, leading, everywhere } = this.#parts;
    const { signal } = this.#release;
    const campaigns = [leadership.run(signal, (term) => this.#lead(term, leading))];
    if (everywhere.length > 0) campaigns.push(alone()().run(signal, (term) => this.#lead(term, everywhere)));
    await Promise.all(campaigns);
  }

  /** Ends when the work has ended and the term has been asked to: it is not given up before the stop has come to that. */
  async #lead(term: Term, works: readonly Work[]): Promise<void> {
    const work = Promise.all(works.map((each) => each.run(term, this.#intake.signal)));
    this.#working.add(work);
    await work.finally(() => this.#working.delete(work));
    await aborted(term.signal);
  }

  /** The order of stopping. */
  #stages(): Stage[] {
    const { events, container } = this.#parts;
    return [
      { name: 'intake', grace: 0, stop: () => this.#intake.abort() },
      { name: 'reconciles', grace: this.#options.gracePeriod, stop: () => settledAll(this.#working) },
      { name: 'leadership', grace: GRACE.release, stop: () => this.#stopLeadership() },
      { name: 'events', grace: GRACE.events, stop: () => events.stop(GRACE.events / 2) },
      { name: 'caches', grace: GRACE.caches, stop: () => this.#stopCaches() },
      { name: 'services', grace: GRACE.services, stop: () => container.unbindAllAsync() },
      { name: 'servers', grace: GRACE.servers, stop: () => this.#server.close() },
      { name: 'connection', grace: GRACE.servers, stop: () => this.#closeConnection() },
    ];
  }

  async #stopLeadership(): Promise<void> {
    this.#release.abort();
    await settledAll([this.#campaigns]);
  }

  async #stopCaches(): Promise<void> {
    this.#caches.abort();
    await this.#caching;
  }

  /** One that was given belongs to whoever gave it. */
  async #closeConnection(): Promise<void> {
    if (!this.#options.connection) await this.#parts.connection.close();
  }

  #pages() {
    const { metrics, clock } = this.#parts;
    const measureProcess = processMetrics(metrics, clock.wall());
    const live = { GET: () => healthPage(this.#livenessChecks()) };
    const measured = async () => {
      measureProcess();
      return { status: 200, type: metrics.contentType, body: await metrics.text() };
    };
    return {
      '/healthz': live,
      '/livez': live,
      '/readyz': { GET: () => healthPage([() => this.#notReady()]) },
      '/metrics': { GET: measured },
      '/loglevel': logLevelPage(this.#options.levels),
    };
  }

  #livenessChecks() {
    const { leadership, leading, everywhere } = this.#parts;
    return [leadership, ...leading, ...everywhere].map((part) => () => part.notLive());
  }

  /** Readiness never means leading: a follower is ready, its caches are warm. */
  #notReady(): string | undefined {
    const { leadership, cache } = this.#parts;
    if (this.#stopping) return 'The operator is stopping.';
    const absent = this.#served.notReady();
    if (absent !== undefined) return absent;
    const behind = cache.informers.filter(({ hasSynced }) => !hasSynced);
    if (behind.length > 0)
      return `Not in step yet: ${behind.map((i) => `${i.name}: ${i.whyNotSynced()}`).join(' ')}`;
    return leadership.notReady();
  }
}

async function settledAll(promises: Iterable<Promise<unknown>>): Promise<void> {
  await Promise.allSettled(promises);
}
