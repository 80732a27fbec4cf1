/** Follows objects through storms, and after each of them holds what the follower knows against what the server has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@incumbent/core/testing';
import { type ServerKind, TestEnvironment } from '@incumbent/testing';
import { Follower } from './follower.js';
import { problemsIn } from './judge.js';
import { Objects } from './objects.js';
import { quickClock } from './quick-clock.js';
import { type Scene, type Storm, Traffic } from './storms.js';

export interface CampaignOptions {
  readonly server: ServerKind;
  readonly objects: number;
  /** How many times as fast the follower's time passes. */
  readonly speed: number;
  readonly seed: number;
  /** Milliseconds until the follower must know everything again. */
  readonly patience: number;
}

export interface StormReport {
  readonly storm: string;
  /** Milliseconds from the storm's end until the follower knew everything. */
  readonly took: number;
  readonly lists: number;
  readonly watches: number;
  /** How many calls of the handler there were. */
  readonly told: number;
}

export class Campaign {
  readonly #options: CampaignOptions;
  readonly #scene: Omit<Scene, 'traffic'>;
  readonly #follower: Follower;

  private constructor(options: CampaignOptions, scene: Omit<Scene, 'traffic'>, follower: Follower) {
    this.#options = options;
    this.#scene = scene;
    this.#follower = follower;
  }

  /** Resolves when the follower knows every object. */
  static async start(options: CampaignOptions): Promise<Campaign> {
    const { server, objects: count, speed, seed } = options;
    const environment = await TestEnvironment.start({
      server,
      embedded: { bookmarkInterval: 60_000 / speed, journal: 100 },
    });
    const [random, clock] = [seededRandom(seed), quickClock(speed)];
    const namespace = await environment.namespace();
    const objects = await Objects.create({
      kubeconfig: await environment.kubeconfig(),
      namespace,
      count,
      random,
    });
    const proxy = await environment.faults();
    const kubeconfig = await environment.kubeconfigThrough(proxy);
    const scene = { environment, proxy, objects, changes: Math.ceil(count / 5), speed };
    const campaign = new Campaign(
      options,
      scene,
      await Follower.start({ kubeconfig, namespace, clock, random }),
    );
    await campaign.#settled();
    return campaign;
  }

  /** @throws when the follower missed something, or the storm was none */
  async endure(storm: Storm): Promise<StormReport> {
    const { proxy } = this.#scene;
    const traffic = new Traffic();
    const told = this.#follower.told.length;
    const liftTraffic = proxy.use(traffic);
    const lift = await storm.strike({ ...this.#scene, traffic });
    const from = performance.now();
    await this.#settled();
    const took = performance.now() - from;
    await lift?.();
    await liftTraffic();
    const { lists, watches } = traffic;
    return { storm: storm.name, took, lists, watches, told: this.#follower.told.length - told };
  }

  async stop(): Promise<void> {
    const { environment, objects } = this.#scene;
    await this.#follower.stop();
    await objects.close();
    await environment.stop();
  }

  /** Resolves when nothing is missing any more. */
  async #settled(): Promise<void> {
    const { patience } = this.#options;
    const server = await this.#scene.objects.onServer();
    const deadline = performance.now() + patience;
    for (;;) {
      const { faults, ...evidence } = this.#follower.evidence;
      const problems = [...faults, ...problemsIn({ server, ...evidence })];
      if (problems.length === 0) return;
      if (performance.now() > deadline)
        throw new Error(
          `${problems.length} problems ${patience} ms after the storm:\n${problems.slice(0, 10).join('\n')}`,
        );
      await sleep(200);
    }
  }
}
