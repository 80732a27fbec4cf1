import { afterEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client, ConfigMap, type Connection, connect, sleep, systemClock } from '@incumbent/core/client';
import { EmbeddedApiServer } from '@incumbent/testing';
import { migrateOnce } from './migrate-once.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test('of five who want to migrate at once one does, and the others find it done; a new version is migrated again', async () => {
  const server = await EmbeddedApiServer.start();
  ends.push(() => server.stop());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'migrate-'));
  ends.push(() => rm(folder, { recursive: true }));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await server.writeKubeconfig(kubeconfig);
  const key = { namespace: 'default', name: 'schema' };
  const open = async (): Promise<Connection> => {
    const opened = await connect({ kubeconfig });
    ends.push(() => opened.close());
    return opened;
  };
  let [migrations, running, most] = [0, 0, 0];
  const migrate = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await sleep(systemClock, 50);
    running--;
    migrations++;
  };
  const all = (version: string): Promise<boolean[]> =>
    Promise.all(
      Array.from({ length: 5 }, async () =>
        migrateOnce({ connection: await open(), ...key, version, migrate }),
      ),
    );
  expect((await all('7')).filter(Boolean)).toHaveLength(1);
  expect((await all('8')).filter(Boolean)).toHaveLength(1);
  expect([migrations, most]).toEqual([2, 1]);
  expect((await new Client(await open()).get(ConfigMap, key)).data).toEqual({ version: '8' });
});
