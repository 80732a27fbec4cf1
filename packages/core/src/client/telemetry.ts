import type { Clock } from '../kit/clock.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import type { Counter, Histogram, Metrics } from '../kit/metrics.js';

/** Where a connection tells what it does. */
export interface Observers {
  readonly metrics?: Metrics;
  readonly log?: Logger;
}

interface ClientMetrics {
  readonly requests: Counter;
  readonly retries: Counter;
  readonly durations: Histogram;
  readonly waits: Histogram;
}

/** As in Kubernetes' component-base. */
const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
/** client-go's word where no answer came. */
const NO_ANSWER = '<error>';

/** What a connection and its siblings count and log: client-go's metrics. Without an observer it costs nothing. */
export class Telemetry {
  readonly #host: string;
  readonly #clock: Clock;
  #metrics: ClientMetrics | undefined;
  #log: Logger = silentLogger;

  constructor(host: string, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  observe({ metrics, log }: Observers): void {
    if (metrics) this.#metrics = clientMetrics(metrics);
    if (log) this.#log = log;
  }

  /** Each answer, or the lack of one: a request that was retried counts each time. */
  answered(method: string, status: number | undefined): void {
    this.#metrics?.requests.inc({ code: codeLabel(status), method, host: this.#host });
  }

  retried(verb: string, status: number | undefined): void {
    this.#metrics?.retries.inc({ code: codeLabel(status), verb, host: this.#host });
  }

  heldBack(verb: string, ms: number): void {
    this.#metrics?.waits.observe(ms / 1000, { verb, host: this.#host });
  }

  /** `most` requests may be under way at once. */
  congested(most: number): void {
    const server = this.#host;
    if (Number.isFinite(most))
      this.#log.warn(
        { server, most },
        `the API server has no room for more (429): ${most} requests at once until it has`,
      );
    else this.#log.info({ server }, 'the API server has room again: requests are no longer held back');
  }

  /** Returns a function that notes the time since. */
  timed(verb: string): (() => void) | undefined {
    const durations = this.#metrics?.durations;
    if (!durations) return undefined;
    const from = this.#clock.monotonic();
    return () => durations.observe((this.#clock.monotonic() - from) / 1000, { verb, host: this.#host });
  }
}

function codeLabel(status: number | undefined): string {
  return status === undefined ? NO_ANSWER : String(status);
}

function clientMetrics(metrics: Metrics): ClientMetrics {
  return {
    requests: metrics.counter({
      name: 'rest_client_requests_total',
      help: 'Number of HTTP requests, partitioned by status code, method, and host.',
      labels: ['code', 'method', 'host'],
    }),
    retries: metrics.counter({
      name: 'rest_client_request_retries_total',
      help: 'Number of request retries, partitioned by status code, verb, and host.',
      labels: ['code', 'verb', 'host'],
    }),
    durations: metrics.histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Request latency in seconds. Broken down by verb, and host.',
      labels: ['verb', 'host'],
      buckets: BUCKETS,
    }),
    waits: metrics.histogram({
      name: 'rest_client_rate_limiter_duration_seconds',
      help: 'Client side rate limiter latency in seconds. Broken down by verb, and host.',
      labels: ['verb', 'host'],
      buckets: BUCKETS,
    }),
  };
}
