/** What happens to the server and to the way to it, while the objects change. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cutWatches,
  EmbeddedApiServer,
  Fault,
  type FaultProxy,
  halfOpen,
  type Lift,
  refuseConnections,
  type SeenRequest,
  type TestEnvironment,
  tooManyRequests,
} from '@incumbent/testing';
import type { Objects } from './objects.js';

export interface Scene {
  readonly environment: TestEnvironment;
  readonly proxy: FaultProxy;
  readonly objects: Objects;
  /** How many changes make a difference. */
  readonly changes: number;
  /** How many times as fast as the server's the follower's time passes. */
  readonly speed: number;
  /** What the proxy has seen since the storm began. */
  readonly traffic: Traffic;
}

export interface Storm {
  readonly name: string;
  /** Strikes. What it resolves with is called once the follower has come to know everything. */
  readonly strike: (scene: Scene) => Promise<Lift | undefined>;
}

/** Counts requests, and lets them pass. */
export class Traffic extends Fault {
  override readonly needsHttp = true;
  lists = 0;
  watches = 0;

  override async onRequest({ method, isWatch }: SeenRequest): Promise<undefined> {
    if (isWatch) this.watches += 1;
    else if (method === 'GET') this.lists += 1;
  }
}

/** Watches that are open when it is used say nothing any more, and never end; those that are opened later are well. */
class DeadWatches extends Fault {
  override readonly needsHttp = true;
  readonly #well = new WeakSet<SeenRequest>();

  override async onRequest(request: SeenRequest): Promise<undefined> {
    this.#well.add(request);
  }

  override async onWatchEvent(request: SeenRequest, lifted: AbortSignal): Promise<undefined> {
    if (this.#well.has(request)) return;
    await new Promise<void>((resolve) => lifted.addEventListener('abort', () => resolve(), { once: true }));
  }
}

export const STORMS: readonly Storm[] = [
  { name: 'a restart of the API server', strike: restart },
  { name: 'versions that have expired (410)', strike: expire },
  { name: 'half-open sockets', strike: halfOpenSockets },
  { name: '429 for everything', strike: tooMany },
  { name: 'watches that break off in the middle of an event', strike: breakOff },
];

/** How often in a row all history is lost. */
const EXPIRIES = 3;

async function restart(scene: Scene): Promise<undefined> {
  const { objects, changes, traffic } = scene;
  await whileChanging(scene, async () => {
    await sleep(200);
    await restartServer(scene);
    await objects.change(changes);
    await come(() => traffic.watches > 0, scene);
  });
}

async function expire(scene: Scene): Promise<undefined> {
  const { environment, proxy, objects, changes, traffic } = scene;
  for (let round = 0; round < EXPIRIES; round += 1) {
    const lift = proxy.use(refuseConnections());
    proxy.cut();
    await objects.change(changes);
    await forget(environment);
    const { lists } = traffic;
    await lift();
    await come(() => traffic.lists > lists, scene);
  }
}

/** The old sockets never speak again; for a while new ones are not answered either. */
async function halfOpenSockets({ proxy, objects, changes, speed }: Scene): Promise<Lift> {
  const lift = proxy.use(new DeadWatches());
  const liftUnanswered = proxy.use(halfOpen());
  await objects.change(changes);
  await sleep(10_000 / speed);
  await liftUnanswered();
  return lift;
}

async function tooMany(scene: Scene): Promise<undefined> {
  const { proxy, objects, changes } = scene;
  const fault = tooManyRequests();
  const lift = proxy.use(fault);
  proxy.cut();
  await objects.change(changes);
  await come(() => fault.strikes > 0, scene);
  await lift();
}

async function breakOff(scene: Scene): Promise<undefined> {
  const fault = cutWatches({ afterEvents: 5 });
  const lift = scene.proxy.use(fault);
  await whileChanging(scene, () => come(() => fault.strikes > 3, scene));
  await lift();
}

/** A storm that leaves no trace is none. The follower's pauses are a minute at most. */
async function come(happened: () => boolean, { speed }: Scene): Promise<void> {
  const deadline = performance.now() + 65_000 / speed + 10_000;
  while (!happened()) {
    if (performance.now() > deadline) throw new Error('The storm did not reach the follower.');
    await sleep(20);
  }
}

async function whileChanging({ objects }: Scene, act: () => Promise<void>): Promise<void> {
  const ending = new AbortController();
  const changing = objects.changeUntil(ending.signal);
  try {
    await act();
  } finally {
    ending.abort();
    await changing;
  }
}

async function restartServer({ environment: { server } }: Scene): Promise<void> {
  // A crash: asked kindly, a real one first waits for its watches, up to a minute.
  await (server instanceof EmbeddedApiServer ? server.restart() : server.restart({ signal: 'SIGKILL' }));
}

/** A real API server goes on serving what it still has in memory: it loses that too. */
async function forget({ server }: TestEnvironment): Promise<void> {
  if (server instanceof EmbeddedApiServer) server.compact();
  else await server.restart({ signal: 'SIGKILL', whileDown: async () => void (await server.compact()) });
}
