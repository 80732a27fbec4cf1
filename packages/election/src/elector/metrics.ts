import type { Metrics } from '@incumbent/core/client';

/** What an elector counts: the list is in docs/election.md. Times are given in milliseconds and told in seconds. */
export class ElectionMetrics {
  readonly #labels: { readonly name: string };
  readonly #master;
  readonly #slowPath;
  readonly #terms;
  readonly #transitions;
  readonly #leaderless;
  readonly #renewals;
  readonly #latency;
  readonly #margin;

  constructor(metrics: Metrics, name: string) {
    this.#labels = { name };
    const labels = ['name'];
    this.#master = metrics.gauge({
      name: 'leader_election_master_status',
      help: '1 while this replica leads, else 0.',
      labels,
    });
    this.#slowPath = metrics.counter({
      name: 'leader_election_slowpath_total',
      help: 'Renewals for which the Lease had to be read first: it was not as this leader last wrote it.',
      labels,
    });
    this.#terms = metrics.counter({
      name: 'leader_election_terms_total',
      help: 'Terms that this replica has begun.',
      labels,
    });
    this.#transitions = metrics.counter({
      name: 'leader_election_transitions_total',
      help: 'Changes of the leader that this replica has seen, to itself included.',
      labels,
    });
    this.#leaderless = metrics.counter({
      name: 'leader_election_leaderless_seconds_total',
      help: 'Time in which nobody led, as far as this replica could see. A leader that is silent counts until its lease has lapsed.',
      labels,
    });
    this.#renewals = metrics.counter({
      name: 'leader_election_renewals_total',
      help: 'Renewals of the Lease by result.',
      labels: ['name', 'result'],
    });
    this.#latency = metrics.histogram({
      name: 'leader_election_renewal_latency_seconds',
      help: 'Time from the sending of a renewal that succeeded to its answer.',
      labels,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    });
    this.#margin = metrics.histogram({
      name: 'leader_election_renewal_margin_seconds',
      help: 'Time that was left until the renew deadline when a renewal succeeded.',
      labels,
      buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32],
    });
    this.#master.set(0, this.#labels);
    // A series that begins with its first event shows no increase there.
    for (const counter of [this.#slowPath, this.#terms, this.#transitions, this.#leaderless])
      counter.inc(this.#labels, 0);
  }

  leading(leads: boolean): void {
    this.#master.set(leads ? 1 : 0, this.#labels);
    if (leads) this.#terms.inc(this.#labels);
  }

  renewed({ latency, margin }: { readonly latency: number; readonly margin: number }): void {
    this.#renewals.inc({ ...this.#labels, result: 'success' });
    this.#latency.observe(latency / 1000, this.#labels);
    this.#margin.observe(margin / 1000, this.#labels);
  }

  renewalFailed(): void {
    this.#renewals.inc({ ...this.#labels, result: 'error' });
  }

  slowPath(): void {
    this.#slowPath.inc(this.#labels);
  }

  transition(): void {
    this.#transitions.inc(this.#labels);
  }

  leaderless(ms: number): void {
    this.#leaderless.inc(this.#labels, ms / 1000);
  }
}
