/** Elections side by side, each disturbed again and again, on one server; and what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@incumbent/core/testing';
import { DISTURBANCES, FAULT_NAMES, type Outcome, calmBound } from './disturbances.js';
import { Election, type ProxyLevel } from './election.js';
import { monotonic } from './replica-process.js';
import type { Timings } from './replica.js';
import { ElectionServer, type ServerKind } from './server.js';

export interface CampaignPlan {
  readonly server: ServerKind;
  readonly kills: number;
  readonly stops: number;
  readonly freezes: number;
  readonly blocks: number;
  readonly queues: number;
  /** How often each kind of fault. */
  readonly faults: number;
  readonly restarts: number;
  /**
   * How a real API server is ended for a restart; asked kindly, it first waits for its watches, up to a minute.
   *
   * @defaultValue `'SIGKILL'`
   */
  readonly restartSignal?: 'SIGKILL' | 'SIGTERM';
  /** How many elections at the same time. */
  readonly elections: number;
  readonly seed: number;
  /** The replicas write without regard to their terms: to see that this is caught. @defaultValue false */
  readonly unfenced?: boolean;
  readonly progress?: (line: string) => void;
}

export interface Result extends Outcome {
  readonly kind: string;
  readonly election: string;
  /** What the replicas had logged, where it took too long. */
  readonly words?: string;
}

export interface CampaignReport {
  readonly plan: CampaignPlan;
  readonly results: readonly Result[];
  readonly violations: readonly string[];
  readonly writes: number;
  readonly terms: number;
  /** Writes that did not succeed, by code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly gaps: number;
  readonly seconds: number;
}

export const TIMINGS: Timings = {
  leaseDuration: 3000,
  renewDeadline: 2000,
  renewInterval: 1000,
  retryPeriod: 300,
};

export const RESTART = 'restart of the API server';

export async function runCampaign(plan: CampaignPlan): Promise<CampaignReport> {
  const started = monotonic();
  const server = await ElectionServer.start(plan.server);
  const campaign = new Campaign(plan, server);
  try {
    await campaign.run();
  } finally {
    await campaign.stop();
    await server.stop();
  }
  return campaign.report((monotonic() - started) / 1000);
}

class Campaign {
  readonly #plan: CampaignPlan;
  readonly #server: ElectionServer;
  readonly #startedAt = monotonic();
  readonly #random;
  readonly #elections: Election[] = [];
  readonly #results: Result[] = [];
  readonly #failed: string[] = [];
  readonly #direct: string[];
  readonly #proxied: Readonly<Record<ProxyLevel, string[]>>;

  constructor(plan: CampaignPlan, server: ElectionServer) {
    this.#plan = plan;
    this.#server = server;
    this.#random = seededRandom(plan.seed);
    // Taken from the end: the long ones first, so that no election is left alone with one.
    this.#direct = [
      ...this.#shuffled([...times(plan.kills, 'kill'), ...times(plan.stops, 'stop')]),
      ...this.#shuffled([
        ...times(plan.freezes, 'freeze'),
        ...times(plan.blocks, 'block'),
        ...times(plan.queues, 'queue'),
      ]),
    ];
    const faults = (level: ProxyLevel): string[] =>
      this.#shuffled(
        FAULT_NAMES.filter((name) => DISTURBANCES[name]?.through === level).flatMap((name) =>
          times(plan.faults, name),
        ),
      );
    this.#proxied = { http: faults('http'), tcp: faults('tcp') };
    if (plan.faults > 0 && plan.elections < 2)
      throw new Error('Faults need two elections at least: their proxies work at two levels.');
  }

  async run(): Promise<void> {
    const { elections, restarts } = this.#plan;
    await Promise.all(
      Array.from({ length: elections }, (_, index) => this.#lane(`election-${index}`, this.#levelOf(index))),
    );
    for (let count = 0; count < restarts; count += 1) await this.#restart();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#elections.map((election) => election.stop()));
  }

  report(seconds: number): CampaignReport {
    const histories = this.#elections.map(({ name, history }) => ({ name, history }));
    const failures: Record<string, number> = {};
    for (const { history } of histories)
      for (const [code, count] of history.failures) failures[code] = (failures[code] ?? 0) + count;
    return {
      plan: this.#plan,
      results: this.#results,
      violations: [
        ...this.#failed,
        ...histories.flatMap(({ name, history }) => history.violations().map((text) => `${name}: ${text}`)),
        ...this.#results
          .filter(({ ms, bound }) => ms > bound)
          .map(
            ({ kind, election, ms, bound, words }) =>
              `${election}: ${kind} took ${ms.toFixed(0)} ms, above ${bound}. Its replicas logged:\n${words}`,
          ),
      ],
      writes: sum(histories.map(({ history }) => history.writes.length)),
      terms: sum(histories.map(({ history }) => history.reigns.length)),
      failures,
      gaps: this.#server.gaps,
      seconds,
    };
  }

  /** Of the proxies: half of the elections have some that see requests, one has some that pass TLS on, the others have none. */
  #levelOf(index: number): ProxyLevel | undefined {
    const { elections, faults } = this.#plan;
    if (faults === 0) return undefined;
    if (index < Math.floor(elections / 2)) return 'http';
    return index === elections - 1 ? 'tcp' : undefined;
  }

  /** One election, for as long as there is something left to do to it. */
  async #lane(name: string, level: ProxyLevel | undefined): Promise<void> {
    const { unfenced = false } = this.#plan;
    let kind: string | undefined = 'start';
    try {
      const election = await Election.start(this.#server, { name, timings: TIMINGS, level, unfenced });
      this.#elections.push(election);
      for (;;) {
        kind = (level && this.#proxied[level].pop()) ?? this.#direct.pop();
        if (kind === undefined) return;
        await this.#disturb(election, kind);
      }
    } catch (error) {
      this.#failed.push(`${name}: ${kind}: ${String(error)}`);
    }
  }

  async #disturb(election: Election, kind: string): Promise<void> {
    const disturbance = DISTURBANCES[kind];
    if (!disturbance) throw new Error(`there is no disturbance "${kind}"`);
    await election.settled();
    // Somewhere between two renewals.
    await sleep(this.#random.next() * TIMINGS.renewInterval);
    const leader = await election.settled();
    this.#done(election, kind, await disturbance.strike(election, leader));
  }

  /** Strikes them all at once. */
  async #restart(): Promise<void> {
    await Promise.all(this.#elections.map((election) => election.settled()));
    await this.#server.restart(this.#plan.restartSignal ?? 'SIGKILL');
    const from = monotonic();
    await Promise.all(
      this.#elections.map(async (election) => {
        const ms = (await election.writtenSince(from)) - from;
        this.#done(election, RESTART, { ms, bound: calmBound(election.timings) });
      }),
    );
  }

  #done(election: Election, kind: string, outcome: Outcome): void {
    const words = outcome.ms > outcome.bound ? { words: election.lastWords } : {};
    this.#results.push({ kind, election: election.name, ...outcome, ...words });
    const elapsed = ((monotonic() - this.#startedAt) / 1000).toFixed(0);
    this.#plan.progress?.(`${elapsed} s: ${election.name}: ${kind}, ${outcome.ms.toFixed(0)} ms`);
  }

  #shuffled(items: readonly string[]): string[] {
    return items
      .map((item) => ({ item, place: this.#random.next() }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
  }
}

function times(count: number, name: string): string[] {
  return Array.from({ length: count }, () => name);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
