import { afterEach, expect, test } from '@jest/globals';
import { Client, ConfigMap, Connection, InformerCache, resource, systemClock } from '@incumbent/core';
import { seededRandom } from '@incumbent/core/testing';
import { eventually } from '@incumbent/testing';
import { describeOnServers, type ServerUnderTest } from './servers.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type ListMode = 'whole' | 'pages' | 'stream';

function cacheOf({ access }: ServerUnderTest, list: ListMode) {
  const { url, ca, token, clientCertificate } = access;
  const { certificate: cert, key } = clientCertificate ?? {};
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const tls = { ...(ca && { ca }), ...(cert && key && { cert, key }) };
  const connection = new Connection({
    server: url,
    credentials: { current: async () => ({ headers, tls }) },
  });
  const client = new Client(connection);
  const cache = new InformerCache({
    reader: client,
    clock: systemClock,
    random: seededRandom(1),
    list,
    pageSize: 3,
  });
  const stopping = new AbortController();
  const run = (): void => {
    const running = cache.run(stopping.signal);
    cleanups.push(async () => (stopping.abort(), await running, await connection.close()));
  };
  return { cache, writer: client.unfenced(), run };
}

describeOnServers('caches', (server) => {
  test.each<ListMode>(['whole', 'pages', 'stream'])(
    'a cache that asks for the state as %s has it, follows it, and has metadata alone where asked',
    async (mode) => {
      const namespace = await server.namespace();
      const { cache, writer, run } = cacheOf(server, mode);
      const write = (name: string, text: string) =>
        writer.apply(
          ConfigMap,
          { metadata: { namespace, name, labels: { app: 'web' } }, data: { text } },
          { fieldManager: 'test', force: true },
        );
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await write(name, `"${name}\\ü{`);
      const whole = cache.informerFor(ConfigMap, { namespace, labelSelector: 'app=web' });
      const metadata = cache.metadataFor(ConfigMap, { namespace, labelSelector: 'app=web' });
      run();
      await cache.waitForSync({ timeout: '20s' });
      expect(whole.lister.list().map(({ data }) => data?.['text'])).toEqual(
        ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `"${name}\\ü{`),
      );
      expect(whole.lister.get({ namespace, name: 'a' })).toMatchObject({
        apiVersion: 'v1',
        kind: 'ConfigMap',
      });
      expect(whole.lister.get({ namespace, name: 'a' })?.metadata).not.toHaveProperty('managedFields');
      const [only] = metadata.lister.list();
      expect(Object.keys(only ?? {}).toSorted()).toEqual(['apiVersion', 'kind', 'metadata']);
      expect(only).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
      await write('b', 'changed');
      await writer.delete(ConfigMap, { namespace, name: 'c' });
      await eventually(() => {
        expect(whole.lister.get({ namespace, name: 'b' })?.data).toEqual({ text: 'changed' });
        expect(metadata.lister.list()).toHaveLength(6);
        expect(cache.status.map(({ phase, objects }) => [phase, objects])).toEqual([
          ['watching', 6],
          ['watching', 6],
        ]);
      });
    },
    40_000,
  );

  test('a resource that is not served is named when the cache does not sync', async () => {
    const { cache, run } = cacheOf(server, 'whole');
    cache.informerFor(resource({ group: 'no.such.dev', version: 'v1', kind: 'Thing' }));
    run();
    await expect(cache.waitForSync({ timeout: '2s' })).rejects.toMatchObject({
      code: 'CACHE_SYNC_TIMEOUT',
      message: expect.stringContaining('does not serve things.no.such.dev in no.such.dev/v1'),
    });
  });
});
