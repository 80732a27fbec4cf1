/** What keeps happening during a soak. Each strikes, and is over when its promise resolves. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  blackHole,
  cutWatches,
  EmbeddedApiServer,
  type Fault,
  type FaultProxy,
  type TestEnvironment,
  tooManyRequests,
} from '@incumbent/testing';
import type { ReplicaProcess } from './replica-process.js';

export interface Scene {
  readonly environment: TestEnvironment;
  /** Each replica has a way of its own. */
  readonly replicas: readonly { readonly process: ReplicaProcess; readonly proxy: FaultProxy }[];
}

/** Longer than a leader of the preset `fast` may go on without an answer, and than its followers wait. */
const LOSS_OF_LEASE = 6500;

export const DISTURBANCES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  cut: async ({ replicas }) => replicas.forEach(({ proxy }) => proxy.cut()),
  'broken watches': (scene) => onAll(scene, () => cutWatches({ afterEvents: 3 }), 1000),
  '429': (scene) => onAll(scene, () => tooManyRequests(), 1500),
  'another leader': silenceLeader,
  restart: ({ environment: { server } }) =>
    server instanceof EmbeddedApiServer ? server.restart() : server.restart({ signal: 'SIGKILL' }),
  'lost history': async ({ environment: { server }, replicas }) => {
    await server.compact();
    replicas.forEach(({ proxy }) => proxy.cut());
  },
};

async function onAll({ replicas }: Scene, fault: () => Fault, ms: number): Promise<void> {
  const lifts = replicas.map(({ proxy }) => proxy.use(fault()));
  replicas.forEach(({ proxy }) => proxy.cut());
  await sleep(ms);
  await Promise.all(lifts.map((lift) => lift()));
}

async function silenceLeader({ replicas }: Scene): Promise<void> {
  const leader = replicas.find(({ process }) => process.leads);
  if (!leader) return;
  const lift = leader.proxy.use(blackHole('server-to-client'));
  await sleep(LOSS_OF_LEASE);
  await lift();
}
