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
}

export interface Storm {
  readonly name: string;
  /** Strikes. What it resolves with is called once the follower has come to know everything. */
  readonly strike: (scene: Scene) => Promise<Lift | undefined>;
  /** What the proxy must have seen, for the storm to have been one. */
  readonly traces: (seen: Traffic) => boolean;
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
  { name: 'a restart of the API server', strike: restart, traces: ({ watches }) => watches > 0 },
  { name: 'versions that have expired (410)', strike: expire, traces: ({ lists }) => lists >= EXPIRIES },
  { name: 'half-open sockets', strike: halfOpenSockets, traces: ({ watches }) => watches > 0 },
  { name: '429 for everything', strike: tooMany, traces: ({ watches }) => watches > 0 },
  { name: 'watches that break off in the middle of an event', strike: breakOff, traces: ({ watches }) => watches > 2 },
];

/** How often in a row all history is lost. */
const EXPIRIES = 3;

async function restart(scene: Scene): Promise<undefined> {
  await whileChanging(scene, async () => {
    await sleep(200);
    await restartServer(scene);
    await scene.objects.change(scene.changes);
  });
}

async function expire({ environment, proxy, objects, changes }: Scene): Promise<undefined> {
  for (let round = 0; round < EXPIRIES; round += 1) {
    const lift = proxy.use(refuseConnections());
    proxy.cut();
    await objects.change(changes);
    await forget(environment);
    await lift();
    await sleep(500);
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
  const lift = proxy.use(tooManyRequests());
  proxy.cut();
  await objects.change(changes);
  await sleep(3000 / scene.speed);
  await lift();
}

async function breakOff({ proxy, objects, changes }: Scene): Promise<undefined> {
  const lift = proxy.use(cutWatches({ afterEvents: 5 }));
  await objects.change(changes);
  await sleep(500);
  await lift();
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
