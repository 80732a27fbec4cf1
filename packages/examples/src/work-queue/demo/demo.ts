/** The demo: members on a stage, two of which are killed, and an account of what came of it. */
import { join } from 'node:path';
import {
  type DeepReadonly,
  InformerCache,
  Lease,
  silentLogger,
  systemClock,
  systemRandom,
} from '@incumbent/core';
import { Fleet, type Replica } from '../../demo/fleet.js';
import { WorkItem } from '../work-item.js';
import type { WorkQueueFlags } from './flags.js';
import { GROUP, type Stage, setStage } from './stage.js';
import { type Counts, Tally, podOf } from './tally.js';

/** A process that was killed on purpose. */
export interface Kill {
  readonly pod: string;
  readonly role: 'member' | 'leader';
  /** Items that it was working on. */
  readonly working: number;
  /** Items that were done by then. */
  readonly done: number;
}

export interface Summary extends Counts {
  readonly items: number;
  readonly members: number;
  /** Items that are neither done nor to be found. */
  readonly lost: number;
  readonly kills: readonly Kill[];
  readonly leaders: readonly string[];
  readonly seconds: number;
  readonly itemsPerSecond: number;
  readonly ok: boolean;
}

/** What can be seen at a moment, for the table. */
export interface DemoView {
  readonly flags: WorkQueueFlags;
  readonly replicas: readonly Replica[];
  readonly leader: string | undefined;
  readonly counts: Counts;
  readonly kills: readonly Kill[];
  readonly tally: Tally;
  readonly seconds: number;
  readonly kubeconfig: string;
}

/** Shares of the items, done when a member is killed, and when the leader is. */
const KILLS = { member: 0.25, leader: 0.6 } as const;
/** Milliseconds without anything new after which the demo gives up: several times what a failover takes. */
const PATIENCE = 120_000;

export class Demo {
  readonly #flags: WorkQueueFlags;
  readonly #stage: Stage;
  readonly #fleet: Fleet;
  readonly #tally: Tally;
  readonly #kills: Kill[] = [];
  readonly #leaders: string[] = [];
  readonly #watching = new AbortController();
  readonly #startedAt = performance.now();
  #leader: string | undefined;
  #progressAt = performance.now();
  #watched: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  /** Called when something worth a line happens. */
  onEvent: (line: string) => void = () => {};

  static async start(flags: WorkQueueFlags): Promise<Demo> {
    return new Demo(flags, await setStage(flags));
  }

  private constructor(flags: WorkQueueFlags, stage: Stage) {
    this.#flags = flags;
    this.#stage = stage;
    this.#tally = new Tally(stage.expected);
    this.#fleet = new Fleet({
      script: new URL('./member.js', import.meta.url),
      name: 'hasher',
      size: flags.members,
      args: ['--capacity', String(flags.capacity), '--preset', flags.preset],
      environment: { KUBECONFIG: stage.memberKubeconfig },
      logDirectory: join(stage.directory, 'logs'),
      onChange: () => {},
    });
  }

  get view(): DemoView {
    return {
      flags: this.#flags,
      replicas: this.#fleet.replicas,
      leader: this.#leader,
      counts: this.#tally.counts,
      kills: this.#kills,
      tally: this.#tally,
      seconds: this.#seconds(),
      kubeconfig: this.#stage.cluster.kubeconfig,
    };
  }

  /** Runs until every item is done, nothing moves any more, or `signal` aborts. */
  async run(signal: AbortSignal): Promise<Summary> {
    this.#watch();
    this.#fleet.start();
    await this.#stage.createItems();
    this.onEvent(`${this.#flags.items} items are there.`);
    while (!signal.aborted && !this.#isOver()) {
      this.#strike();
      await this.#news(signal);
    }
    return this.#summary();
  }

  async end(): Promise<void> {
    await this.#fleet.end();
    this.#watching.abort();
    await this.#watched;
    await this.#stage.end();
  }

  #watch(): void {
    const { client } = this.#stage;
    const cache = new InformerCache({
      reader: client,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
    const sees = (item: DeepReadonly<WorkItem>): void => {
      const { done } = this.#tally.counts;
      this.#tally.see(item);
      if (this.#tally.counts.done !== done) this.#progressAt = performance.now();
      this.#wake();
    };
    const { namespace, name } = GROUP;
    cache.informerFor(WorkItem, { namespace }).addHandler({
      added: sees,
      updated: (_, after) => sees(after),
      deleted: ({ metadata }) => this.#tally.gone(metadata.name),
    });
    const leads = ({ spec }: { readonly spec?: { readonly holderIdentity?: string } }): void =>
      this.#lead(spec?.holderIdentity);
    cache
      .informerFor(Lease, { namespace, fieldSelector: `metadata.name=${name}` })
      .addHandler({ added: leads, updated: (_, after) => leads(after) });
    this.#watched = cache.run(this.#watching.signal);
  }

  #lead(holder: string | undefined): void {
    const pod = holder ? podOf(holder) : undefined;
    if (pod === this.#leader) return;
    this.#leader = pod;
    if (!pod) return;
    this.#leaders.push(pod);
    this.onEvent(`${pod} leads.`);
  }

  /** Kills a member that works and does not lead, and later the leader. */
  #strike(): void {
    const { done } = this.#tally.counts;
    const struck = (role: Kill['role']): boolean => this.#kills.some((kill) => kill.role === role);
    const share = done / this.#flags.items;
    if (share >= KILLS.member && !struck('member')) this.#kill('member', this.#busiestFollower());
    if (share >= KILLS.leader && struck('member') && !struck('leader')) this.#kill('leader', this.#leader);
  }

  #busiestFollower(): string | undefined {
    return this.#fleet.replicas
      .filter(({ pod, state }) => state === 'running' && pod !== this.#leader)
      .toSorted((a, b) => this.#tally.of(b.pod).working - this.#tally.of(a.pod).working)[0]?.pod;
  }

  #kill(role: Kill['role'], pod: string | undefined): void {
    if (pod === undefined || !this.#fleet.kill(pod)) return;
    const { working } = this.#tally.of(pod);
    const { done } = this.#tally.counts;
    this.#kills.push({ pod, role, working, done });
    this.onEvent(
      `${pod}, ${role === 'leader' ? 'the leader' : 'a member'}, is killed while it works on ${working} items.`,
    );
  }

  #isOver(): boolean {
    return this.#tally.counts.done >= this.#flags.items || performance.now() - this.#progressAt > PATIENCE;
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        resolve();
      };
      const timer = setTimeout(go, 1000);
      signal.addEventListener('abort', go, { once: true });
      this.#wake = go;
    });
  }

  #summary(): Summary {
    const { items, members } = this.#flags;
    const { counts, missing } = this.#tally;
    const seconds = this.#seconds();
    const lost = missing + counts.working + counts.waiting;
    const ok = counts.done === items && lost === 0 && counts.countedTwice === 0 && counts.wrong === 0;
    return {
      items,
      members,
      ...counts,
      lost,
      kills: this.#kills,
      leaders: this.#leaders,
      seconds,
      itemsPerSecond: Math.round(counts.done / seconds),
      ok,
    };
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 100) / 10;
  }
}
