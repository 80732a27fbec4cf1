import type { Counter, Gauge, Histogram, Labels, Metrics } from '../kit/metrics.js';

/** How a reconcile ended, in the words of controller-runtime's label. */
export type ResultLabel = 'success' | 'error' | 'requeue' | 'requeue_after';

const RESULTS: readonly ResultLabel[] = ['success', 'error', 'requeue', 'requeue_after'];

// controller-runtime's, so that its dashboards fit.
const BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
  1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/** A controller's metrics under the names and labels of controller-runtime. */
export class ControllerMetrics {
  readonly #labels: Labels;
  readonly #total: Counter;
  readonly #errors: Counter;
  readonly #terminalErrors: Counter;
  readonly #panics: Counter;
  readonly #time: Histogram;
  readonly #active: Gauge;

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

  /** A series that appears with its first error hides that error from `rate()`. */
  #startAtZero(): void {
    for (const result of RESULTS) this.#total.inc({ ...this.#labels, result }, 0);
    for (const counter of [this.#errors, this.#terminalErrors, this.#panics]) counter.inc(this.#labels, 0);
    this.#active.set(0, this.#labels);
  }
}
