import { afterEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, ConfigMap, type Connection, connect, sleep, systemClock } from '@incumbent/core/client';
import { EmbeddedApiServer } from '@incumbent/testing';
import { testEnvironment } from '@incumbent/testing/jest';
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

const MAIN = fileURLToPath(new URL('../../dist/lock/main.js', import.meta.url));
const environment = testEnvironment();

test('as processes: of three that start at once one migrates, and a later one finds it done', async () => {
  const namespace = await environment.namespace();
  const kubeconfig = await environment.kubeconfig({ namespace });
  const connection = await connect({ kubeconfig });
  ends.push(() => connection.close());
  const client = new Client(connection).unfenced();
  const key = { namespace, name: 'settings' };
  const data = { 'settings.ini': 'greeting = hello\nurl=http://web/?a=b\n', kept: 'yes' };
  await client.create(ConfigMap, { metadata: key, data });
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const start = async (): Promise<string> =>
    (await promisify(execFile)(process.execPath, [MAIN], { env })).stdout;
  const said = await Promise.all([start(), start(), start()]);
  said.push(await start());
  expect(said.toSorted()).toEqual([
    'Migrated to version 2.\n',
    ...Array<string>(3).fill('Version 2 was there.\n'),
  ]);
  expect((await client.get(ConfigMap, key)).data).toEqual({
    greeting: 'hello',
    url: 'http://web/?a=b',
    kept: 'yes',
  });
}, 60_000);
