import type { Counter, Gauge, Histogram, Labels, Metrics } from '../kit/metrics.js';

/** How a reconcile ended, in the words of controller-runtime's label. */
export type ResultLabel = 'success' | 'error' | 'requeue' | 'requeue_after';

const RESULTS: readonly ResultLabel[] = ['success', 'error', 'requeue', 'requeue_after'];

// controller-runtime's, so that its dashboards fit.
const BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
  1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

const MOST_PLACES = 50;

/** A controller's metrics under the names and labels of controller-runtime, and those that it has not. */
export class ControllerMetrics {
  readonly #labels: Labels;
  readonly #total: Counter;
  readonly #errors: Counter;
  readonly #terminalErrors: Counter;
  readonly #panics: Counter;
  readonly #time: Histogram;
  readonly #active: Gauge;
  readonly #overstaying: Gauge;
  readonly #givenUp: Counter;
  readonly #slowed: Counter;
  readonly #sourceFailures: Counter;
  /** Places that have a series of their own: paths may hold names, of which there is no end. */
  readonly #places = new Set<string>();

  constructor(metrics: Metrics, controller: string, concurrency: number) {
    this.#labels = { controller };
    const labels = ['controller'];
    const named = (name: string, help: string) => ({ name: `controller_runtime_${name}`, help, labels });
    this.#total = metrics.counter({
      ...named('reconcile_total', 'Reconciles, by result.'),
      labels: [...labels, 'result'],
    });
    this.#errors = metrics.counter(named('reconcile_errors_total', 'Reconciles that failed.'));
    this.#terminalErrors = metrics.counter(
      named(
        'terminal_reconcile_errors_total',
        'Reconciles that failed and are not tried again before a change.',
      ),
    );
    this.#panics = metrics.counter(
      named(
        'reconcile_panics_total',
        'Reconciles that failed by a slip in the program, such as a TypeError.',
      ),
    );
    this.#time = metrics.histogram({
      ...named('reconcile_time_seconds', 'Seconds a reconcile takes.'),
      buckets: BUCKETS,
    });
    this.#active = metrics.gauge(named('active_workers', 'Reconciles that are running.'));
    const own = (name: string, help: string) => ({ name: `incumbent_reconcile_${name}`, help, labels });
    this.#overstaying = metrics.gauge(
      own('overstaying', 'Reconciles that go on although they were told to stop and had their grace period.'),
    );
    this.#givenUp = metrics.counter(
      own('given_up_total', 'Objects that failed more often than maxRetries allows.'),
    );
    this.#slowed = metrics.counter({
      ...own(
        'slowed_total',
        'Reconciles that had to wait because the controller keeps waking itself, by place.',
      ),
      labels: [...labels, 'kind', 'path'],
    });
    this.#sourceFailures = metrics.counter({
      name: 'incumbent_source_failures_total',
      help: 'Failures of external sources.',
      labels: [...labels, 'source'],
    });
    metrics
      .gauge(named('max_concurrent_reconciles', 'Reconciles that may run at a time.'))
      .set(concurrency, this.#labels);
    this.#startAtZero();
  }

  started(): void {
    this.#active.add(1, this.#labels);
  }

  ended(ms: number): void {
    this.#active.add(-1, this.#labels);
    this.#time.observe(ms / 1000, this.#labels);
  }

  result(result: ResultLabel): void {
    this.#total.inc({ ...this.#labels, result });
  }

  failed({ terminal, panic }: { readonly terminal: boolean; readonly panic: boolean }): void {
    this.result('error');
    this.#errors.inc(this.#labels);
    if (terminal) this.#terminalErrors.inc(this.#labels);
    if (panic) this.#panics.inc(this.#labels);
  }

  overstaying(by: 1 | -1): void {
    this.#overstaying.add(by, this.#labels);
  }

  gaveUp(): void {
    this.#givenUp.inc(this.#labels);
  }

  /** @param path a JSON pointer; positions in lists count as one place */
  slowed(kind: string, path: string): void {
    const place = path.replaceAll(/\/\d+(?=\/|$)/g, '/*') || '/';
    const id = `${kind}${place}`;
    if (this.#places.size < MOST_PLACES) this.#places.add(id);
    this.#slowed.inc({ ...this.#labels, kind, path: this.#places.has(id) ? place : 'other' });
  }

  sourceFailed(source: string): void {
    this.#sourceFailures.inc({ ...this.#labels, source });
  }

  /** A series that appears with its first error hides that error from `rate()`. */
  #startAtZero(): void {
    for (const result of RESULTS) this.#total.inc({ ...this.#labels, result }, 0);
    for (const counter of [this.#errors, this.#terminalErrors, this.#panics, this.#givenUp])
      counter.inc(this.#labels, 0);
    for (const gauge of [this.#active, this.#overstaying]) gauge.set(0, this.#labels);
  }
}
