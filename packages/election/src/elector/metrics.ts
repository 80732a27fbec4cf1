import type { Metrics } from '@incumbent/core/client';

/** What an elector counts. `leader_election_master_status` is client-go's; the others are ours. Times in seconds. */
export class ElectionMetrics {
  readonly #labels: { readonly name: string };
  readonly #master;
  readonly #transitions;
  readonly #renewals;
  readonly #margin;

  constructor(metrics: Metrics, name: string) {
    this.#labels = { name };
    this.#master = metrics.gauge({
      name: 'leader_election_master_status',
      help: '1 while this replica leads, else 0.',
      labels: ['name'],
    });
    this.#transitions = metrics.counter({
      name: 'leader_election_terms_total',
      help: 'Terms that this replica has begun.',
      labels: ['name'],
    });
    this.#renewals = metrics.counter({
      name: 'leader_election_renewals_total',
      help: 'Renewals of the Lease by result.',
      labels: ['name', 'result'],
    });
    this.#margin = metrics.histogram({
      name: 'leader_election_renewal_margin_seconds',
      help: 'Time that was left until the renew deadline when a renewal succeeded.',
      labels: ['name'],
      buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32],
    });
    this.#master.set(0, this.#labels);
  }

  leading(leads: boolean): void {
    this.#master.set(leads ? 1 : 0, this.#labels);
    if (leads) this.#transitions.inc(this.#labels);
  }

  renewed(marginMs: number): void {
    this.#renewals.inc({ ...this.#labels, result: 'success' });
    this.#margin.observe(marginMs / 1000, this.#labels);
  }

  renewalFailed(): void {
    this.#renewals.inc({ ...this.#labels, result: 'error' });
  }
}
