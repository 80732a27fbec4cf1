import type { Counter, Gauge, Histogram, Labels, Metrics } from '../kit/metrics.js';

/** 10 ns to 1000 s in powers of ten, as controller-runtime, so that its dashboards fit. */
const BUCKETS = Array.from({ length: 12 }, (_, power) => 10 ** (power - 8));

/** A queue's metrics under the names and labels of controller-runtime. Durations come in as milliseconds and go out as seconds. */
export class WorkQueueMetrics {
  readonly #labels: Labels;
  readonly #depth: Gauge;
  readonly #adds: Counter;
  readonly #waited: Histogram;
  readonly #worked: Histogram;
  readonly #unfinished: Gauge;
  readonly #longest: Gauge;
  readonly #retries: Counter;

  constructor(metrics: Metrics, labels: { readonly name: string; readonly controller: string }) {
    this.#labels = labels;
    const names = ['name', 'controller'];
    const named = (name: string, help: string) => ({ name: `workqueue_${name}`, help, labels: names });
    const duration = (name: string, help: string) => ({ ...named(name, help), buckets: BUCKETS });
    this.#depth = metrics.gauge({
      ...named('depth', 'Keys that wait for a processor, by priority.'),
      labels: [...names, 'priority'],
    });
    this.#adds = metrics.counter(
      named('adds_total', 'Keys that were added; one that already waits does not count.'),
    );
    this.#waited = metrics.histogram(duration('queue_duration_seconds', 'Seconds from add to processor.'));
    this.#worked = metrics.histogram(
      duration('work_duration_seconds', 'Seconds that processing a key takes.'),
    );
    this.#unfinished = metrics.gauge(
      named(
        'unfinished_work_seconds',
        'Seconds spent so far on keys that are in processing: large ones are stuck.',
      ),
    );
    this.#longest = metrics.gauge(
      named(
        'longest_running_processor_seconds',
        'Seconds that the longest running processor has been running.',
      ),
    );
    this.#retries = metrics.counter(named('retries_total', 'Keys that were added rate limited.'));
  }

  added(): void {
    this.#adds.inc(this.#labels);
  }

  depth(priority: number, by: number): void {
    this.#depth.add(by, { ...this.#labels, priority: String(priority) });
  }

  taken(waited: number): void {
    this.#waited.observe(waited / 1000, this.#labels);
  }

  done(worked: number): void {
    this.#worked.observe(worked / 1000, this.#labels);
  }

  /** How long each key in processing has been so. */
  running(durations: readonly number[]): void {
    this.#unfinished.set(durations.reduce((sum, each) => sum + each, 0) / 1000, this.#labels);
    this.#longest.set(durations.reduce((longest, each) => Math.max(longest, each), 0) / 1000, this.#labels);
  }

  retried(): void {
    this.#retries.inc(this.#labels);
  }
}
