import { afterEach, describe, expect, test } from '@jest/globals';
import { configMaps, givenServer, leases, stopServers, table } from './given.fake.js';
import type { Client, Watch } from './given.fake.js';
import { textAt } from './meta.js';

afterEach(stopServers);

const named = (name: string, labels: object = {}) => ({ metadata: { name, labels } });
const versionOf = (body: { readonly [key: string]: unknown }): number =>
  Number((body['metadata'] as { resourceVersion: string }).resourceVersion);

async function next(watch: Watch): Promise<string> {
  const event = await watch.next();
  return event === undefined ? 'end' : `${event.type} ${textAt(event.object, 'metadata', 'name')}`.trim();
}

async function given(...names: readonly string[]): Promise<Client> {
  const client = await givenServer();
  for (const name of names) await client.post(configMaps, named(name));
  return client;
}

describe('a watch', () => {
  test('without a version starts with what there is, then goes on with what happens', async () => {
    const client = await given('a', 'b');
    const watch = await client.watch(`${configMaps}?watch=1`);
    expect([await next(watch), await next(watch)]).toEqual(['ADDED a', 'ADDED b']);
    await client.patch(`${configMaps}/a`, { data: { k: 'v' } });
    await client.delete(`${configMaps}/b`);
    expect([await next(watch), await next(watch)]).toEqual(['MODIFIED a', 'DELETED b']);
    watch.stop();
  });

  test('from a version misses nothing and repeats nothing', async () => {
    const client = await given('a');
    const list = await client.get(configMaps);
    await client.post(configMaps, named('b'));
    const watch = await client.watch(`${configMaps}?watch=1&resourceVersion=${versionOf(list.body)}`);
    await client.post(configMaps, named('c'));
    expect([await next(watch), await next(watch)]).toEqual(['ADDED b', 'ADDED c']);
    watch.stop();
  });

  test('from forgotten history answers 410 as an event, from its edge goes on', async () => {
    const client = await given('a');
    const old = versionOf((await client.get(configMaps)).body);
    await client.post(configMaps, named('b'));
    client.server.compact();
    const late = await client.watch(`${configMaps}?watch=1&resourceVersion=${old}`);
    expect(late.status).toBe(200);
    expect(await late.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect(await next(late)).toBe('end');
    const edge = await client.watch(`${configMaps}?watch=1&resourceVersion=${old + 1}`);
    await client.post(configMaps, named('c'));
    expect(await next(edge)).toBe('ADDED c');
    edge.stop();
  });

  test('is refused its history after more changes than are kept', async () => {
    const client = await givenServer({ history: 2 });
    const start = versionOf((await client.post(configMaps, named('a'))).body);
    for (let index = 0; index < 6; index++)
      await client.patch(`${configMaps}/a`, { data: { k: String(index) } });
    const watch = await client.watch(`${configMaps}?watch=1&resourceVersion=${start}`);
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  test('goes on undisturbed when history is compacted', async () => {
    const client = await given('a');
    const watch = await client.watch(`${configMaps}?watch=1`);
    await next(watch);
    client.server.compact();
    await client.post(configMaps, named('b'));
    expect(await next(watch)).toBe('ADDED b');
    watch.stop();
  });

  test('sees an object that leaves its selector as deleted: as it was, under the new version', async () => {
    const client = await givenServer();
    const watch = await client.watch(`${configMaps}?watch=1&labelSelector=on%3Dyes`);
    await client.post(configMaps, named('a', { on: 'no' }));
    await client.patch(`${configMaps}/a`, { metadata: { labels: { on: 'yes' } } });
    const left = await client.patch(`${configMaps}/a`, { metadata: { labels: { on: 'no' } } });
    expect(await next(watch)).toBe('ADDED a');
    expect(await watch.next()).toMatchObject({
      type: 'DELETED',
      object: { metadata: { labels: { on: 'yes' }, resourceVersion: String(versionOf(left.body)) } },
    });
    watch.stop();
  });

  test('of one name hears of no other', async () => {
    const client = await given('a', 'b');
    const watch = await client.watch(`${configMaps}?watch=1&fieldSelector=metadata.name%3Db`);
    expect(await next(watch)).toBe('ADDED b');
    await client.patch(`${configMaps}/a`, { data: { k: 'v' } });
    await client.patch(`${configMaps}/b`, { data: { k: 'v' } });
    expect(await next(watch)).toBe('MODIFIED b');
    watch.stop();
  });

  test('tells nothing of writes that change nothing', async () => {
    const client = await given('a');
    const version = versionOf((await client.get(configMaps)).body);
    const watch = await client.watch(`${configMaps}?watch=1&resourceVersion=${version}`);
    await client.patch(`${configMaps}/a`, {});
    await client.post(configMaps, named('b'));
    expect(await next(watch)).toBe('ADDED b');
    watch.stop();
  });

  test('ends by itself after timeoutSeconds', async () => {
    const client = await givenServer();
    const watch = await client.watch(`${configMaps}?watch=1&timeoutSeconds=1`);
    expect(await next(watch)).toBe('end');
  });

  test('of a kind that is served in two groups shows each group its own form', async () => {
    const client = await givenServer();
    const core = await client.watch('/api/v1/events?watch=1');
    const newer = await client.watch('/apis/events.k8s.io/v1/events?watch=1');
    const event = { metadata: { name: 'e' }, involvedObject: { namespace: 'default' }, message: 'hello' };
    await client.post('/api/v1/namespaces/default/events', event);
    expect((await core.next())?.object).toMatchObject({ apiVersion: 'v1', message: 'hello' });
    expect((await newer.next())?.object).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'hello' });
    core.stop();
    newer.stop();
  });

  test('as a Table shows its columns once', async () => {
    const client = await givenServer();
    const watch = await client.watch(`${leases}?watch=1`, table);
    for (const name of ['a', 'b'])
      await client.post(leases, { metadata: { name }, spec: { holderIdentity: 'me' } });
    expect((await watch.next())?.object).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name' }, { name: 'Holder' }, { name: 'Age' }],
    });
    expect((await watch.next())?.object).toMatchObject({
      columnDefinitions: null,
      rows: [{ cells: ['b', 'me', '0s'] }],
    });
    watch.stop();
  });
});

describe('bookmarks', () => {
  test('end the initial events, and then carry the version of the whole server', async () => {
    const client = await givenServer({ bookmarkInterval: 20 });
    await client.post(configMaps, named('a'));
    const query = 'watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const watch = await client.watch(`${configMaps}?${query}`);
    expect(await next(watch)).toBe('ADDED a');
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    await client.post(leases, { metadata: { name: 'elsewhere' } });
    const revision = client.server.revision;
    let seen = 0;
    while (seen < revision) seen = versionOf((await watch.next())?.object ?? {});
    expect(seen).toBe(revision);
    watch.stop();
  });

  test('are not sent to those who did not ask', async () => {
    const client = await givenServer({ bookmarkInterval: 5 });
    const watch = await client.watch(`${configMaps}?watch=1&timeoutSeconds=1`);
    expect(await next(watch)).toBe('end');
  });
});

test('many watchers of many objects each get every change', async () => {
  const client = await givenServer();
  const watches = await Promise.all(Array.from({ length: 20 }, () => client.watch(`${configMaps}?watch=1`)));
  for (let index = 0; index < 50; index++) await client.post(configMaps, named(`c${index}`));
  for (const watch of watches) {
    for (let index = 0; index < 50; index++) expect(await next(watch)).toBe(`ADDED c${index}`);
    watch.stop();
  }
});
