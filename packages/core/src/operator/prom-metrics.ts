import promClient from 'prom-client';
import type { Counter, Gauge, Histogram, Labels, MetricOptions, Metrics } from '../kit/metrics.js';

/** Metrics by prom-client, in a registry of their own: several operators in one process don't add up. */
export class PromMetrics implements Metrics {
  readonly #registry = new promClient.Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  counter(options: MetricOptions): Counter {
    return once(this.#counters, options.name, () => {
      const metric = new promClient.Counter(this.#configuration(options));
      return { inc: (labels: Labels = {}, by = 1) => metric.inc({ ...labels }, by) };
    });
  }

  gauge(options: MetricOptions): Gauge {
    return once(this.#gauges, options.name, () => {
      const metric = new promClient.Gauge(this.#configuration(options));
      return {
        set: (value: number, labels: Labels = {}) => metric.set({ ...labels }, value),
        add: (by: number, labels: Labels = {}) => metric.inc({ ...labels }, by),
        remove: (labels: Labels) => metric.remove({ ...labels }),
      };
    });
  }

  histogram(options: MetricOptions): Histogram {
    return once(this.#histograms, options.name, () => {
      const buckets = options.buckets ? { buckets: [...options.buckets] } : {};
      const metric = new promClient.Histogram({ ...this.#configuration(options), ...buckets });
      return { observe: (value: number, labels: Labels = {}) => metric.observe({ ...labels }, value) };
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #configuration({ name, help, labels = [] }: MetricOptions) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}

function once<M>(metrics: Map<string, M>, name: string, make: () => M): M {
  const metric = metrics.get(name) ?? make();
  metrics.set(name, metric);
  return metric;
}
