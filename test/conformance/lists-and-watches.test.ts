import { expect, test } from '@jest/globals';
import { configMap, coreV1, metaOf, namesOf } from './objects.js';
import type { JsonObject, RawAnswer, WatchedEvent } from './raw-http.js';
import { describeOnServers } from './servers.js';

const maps = (ns: string, query = ''): string => `${coreV1(ns, 'configmaps')}${query}`;
const q = encodeURIComponent;

describeOnServers('lists and watches', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);
  const create = async (ns: string, body: JsonObject): Promise<JsonObject> =>
    (await call('POST', maps(ns), { body })).body;
  const update = async (ns: string, body: JsonObject): Promise<JsonObject> =>
    (await call('PUT', `${maps(ns)}/${metaOf(body).name}`, { body })).body;
  const version = async (ns: string): Promise<string> =>
    metaOf((await call('GET', maps(ns))).body).resourceVersion;
  const seen = (events: readonly WatchedEvent[]): string[] =>
    events.map(({ type, object }) => `${type} ${metaOf(object).name}`);

  const labelled = async (): Promise<string> => {
    const ns = await server.namespace();
    await create(ns, configMap('a', { metadata: { labels: { app: 'web', tier: 'front' } } }));
    await create(ns, configMap('b', { metadata: { labels: { app: 'web' } } }));
    await create(ns, configMap('c', { metadata: { labels: { app: 'db', tier: 'back' } } }));
    await create(ns, configMap('d'));
    return ns;
  };

  test('a list carries its kind, a resourceVersion and its items by name, without kind and apiVersion on them', async () => {
    const ns = await labelled();
    const { body } = await call('GET', maps(ns));
    expect(body).toMatchObject({
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion: expect.any(String) },
    });
    expect(namesOf(body)).toEqual(['a', 'b', 'c', 'd']);
    expect((body['items'] as JsonObject[])[0]).not.toHaveProperty('kind');
  });

  test('a list over all namespaces finds them all', async () => {
    const ns = await labelled();
    const { body } = await call('GET', `/api/v1/configmaps?fieldSelector=${q(`metadata.namespace=${ns}`)}`);
    expect(namesOf(body)).toEqual(['a', 'b', 'c', 'd']);
  });

  for (const [selector, found] of [
    ['app=web', 'a b'],
    ['app==web', 'a b'],
    ['app!=web', 'c d'],
    ['app in (web,db)', 'a b c'],
    ['app notin (web)', 'c d'],
    ['tier', 'a c'],
    ['!tier', 'b d'],
    ['app=web,!tier', 'b'],
    ['app in (web),tier notin (back)', 'a b'],
    ['app=', ''],
    ['absent=x', ''],
    ['', 'a b c d'],
  ] as const) {
    test(`label selector "${selector}" selects "${found}"`, async () => {
      const ns = await labelled();
      const answer = await call('GET', maps(ns, `?labelSelector=${q(selector)}`));
      expect(answer.status).toBe(200);
      expect(namesOf(answer.body).join(' ')).toBe(found);
    });
  }

  for (const selector of ['app in web', 'a b', '=x', 'app in ()']) {
    test(`label selector "${selector}"`, async () => {
      const ns = await server.namespace();
      const answer = await call('GET', maps(ns, `?labelSelector=${q(selector)}`));
      const expected = selector === 'app in ()' ? 200 : 400;
      expect(answer.status).toBe(expected);
    });
  }

  for (const [selector, found] of [
    ['metadata.name=b', 'b'],
    ['metadata.name!=b', 'a c d'],
    ['metadata.name==b,metadata.name!=b', ''],
  ] as const) {
    test(`field selector "${selector}" selects "${found}"`, async () => {
      const ns = await labelled();
      const answer = await call('GET', maps(ns, `?fieldSelector=${q(selector)}`));
      expect(namesOf(answer.body).join(' ')).toBe(found);
    });
  }

  test('a field selector of a field that is not indexed: 400', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', maps(ns, '?fieldSelector=data.k=v'));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      reason: 'BadRequest',
      message: '"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
  });

  test('limit and continue give every object once, of one version, with the count of what remains', async () => {
    const ns = await labelled();
    const first = (await call('GET', maps(ns, '?limit=3'))).body;
    await create(ns, configMap('bb'));
    await call('DELETE', `${maps(ns)}/d`);
    const meta = metaOf(first);
    expect(namesOf(first)).toEqual(['a', 'b', 'c']);
    expect(meta['remainingItemCount']).toBe(1);
    const second = (await call('GET', maps(ns, `?limit=3&continue=${q(meta.continue ?? '')}`))).body;
    expect(namesOf(second)).toEqual(['d']);
    expect(metaOf(second).continue).toBeUndefined();
    expect(metaOf(second).resourceVersion).toBe(meta.resourceVersion);
  });

  test('with a selector, pages are filled with what matches and nothing is said of what remains', async () => {
    const ns = await labelled();
    const first = (await call('GET', maps(ns, '?limit=1&labelSelector=tier'))).body;
    expect(namesOf(first)).toEqual(['a']);
    expect(metaOf(first)['remainingItemCount']).toBeUndefined();
    const next = (
      await call('GET', maps(ns, `?limit=1&labelSelector=tier&continue=${q(metaOf(first).continue ?? '')}`))
    ).body;
    expect(namesOf(next)).toEqual(['c']);
  });

  test('a continue token that is not one: 400', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', maps(ns, '?limit=1&continue=nonsense'));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ reason: 'BadRequest' });
  });

  test('a list of an exact version shows the objects as they were then', async () => {
    const ns = await labelled();
    const then = await version(ns);
    await call('DELETE', `${maps(ns)}/a`);
    const old = await call('GET', maps(ns, `?resourceVersion=${then}&resourceVersionMatch=Exact`));
    expect(namesOf(old.body)).toEqual(['a', 'b', 'c', 'd']);
    const fresh = await call('GET', maps(ns, `?resourceVersion=${then}&resourceVersionMatch=NotOlderThan`));
    expect(namesOf(fresh.body)).toEqual(['b', 'c', 'd']);
  });

  for (const [query, status] of [
    ['?resourceVersionMatch=Exact', 422],
    ['?resourceVersion=0&resourceVersionMatch=Exact', 422],
    ['?resourceVersion=1&resourceVersionMatch=Never', 422],
    ['?resourceVersion=abc', 400],
    ['?limit=abc', 400],
    ['?sendInitialEvents=true', 422],
  ] as const) {
    test(`a list with ${query}: ${status}`, async () => {
      const ns = await server.namespace();
      expect((await call('GET', maps(ns, query))).status).toBe(status);
    });
  }

  test('a deletion of a collection takes what the selector selects, and answers the list', async () => {
    const ns = await labelled();
    const answer = await call('DELETE', maps(ns, '?labelSelector=app%3Dweb'));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ kind: 'ConfigMapList' });
    expect(namesOf((await call('GET', maps(ns))).body)).toEqual(['c', 'd']);
  });

  test('metadata only: PartialObjectMetadata for one, a list of them for all, no data', async () => {
    const ns = await server.namespace();
    await create(ns, configMap('a', { data: { k: 'v' } }));
    const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
    const one = await call('GET', `${maps(ns)}/a`, { headers: { accept } });
    expect(one.body).toMatchObject({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'a' },
    });
    expect(one.body).not.toHaveProperty('data');
    const list = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
    const all = await call('GET', maps(ns), { headers: { accept: list } });
    expect(all.body).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ metadata: { name: 'a' } }],
    });
  });

  test('a watch from a version shows every later change in order, each with its type', async () => {
    const ns = await server.namespace();
    const from = await version(ns);
    const created = await create(ns, configMap('a', { data: { k: '1' } }));
    await update(ns, { ...created, data: { k: '2' } });
    await call('DELETE', `${maps(ns)}/a`);
    const events = await server.http.watch(maps(ns, `?watch=1&resourceVersion=${from}`), 3);
    expect(seen(events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    expect(events[0]?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: '1' } });
    const versions = events.map(({ object }) => Number(metaOf(object).resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(3);
  });

  for (const from of ['', '&resourceVersion=0']) {
    test(`a watch with "${from}" begins with what is there, as ADDED`, async () => {
      const ns = await labelled();
      const watch = await server.http.openWatch(maps(ns, `?watch=true${from}`));
      expect(seen(await watch.next(4)).sort()).toEqual(['ADDED a', 'ADDED b', 'ADDED c', 'ADDED d']);
      await create(ns, configMap('e'));
      expect(seen(await watch.next(1))).toEqual(['ADDED e']);
      watch.close();
    });
  }

  test('a watch answers 200 in JSON, chunked, and ends after timeoutSeconds', async () => {
    const ns = await server.namespace();
    const watch = await server.http.openWatch(maps(ns, '?watch=1&timeoutSeconds=1'));
    expect(watch.status).toBe(200);
    expect(watch.headers['content-type']).toBe('application/json');
    expect(watch.headers['transfer-encoding']).toBe('chunked');
    expect(await watch.next(1)).toEqual([]);
    watch.close();
  });

  test('a watch of one name sees that object only', async () => {
    const ns = await server.namespace();
    const from = await version(ns);
    await create(ns, configMap('a'));
    await create(ns, configMap('b'));
    const events = await server.http.watch(
      maps(ns, `?watch=1&resourceVersion=${from}&timeoutSeconds=1&fieldSelector=metadata.name%3Db`),
    );
    expect(seen(events)).toEqual(['ADDED b']);
  });

  test('an object that begins to match a selector is ADDED, one that ceases is DELETED as it was, at the new version', async () => {
    const ns = await server.namespace();
    const from = await version(ns);
    const plain = await create(ns, configMap('a'));
    const matching = await update(ns, { ...plain, metadata: { ...metaOf(plain), labels: { on: 'yes' } } });
    const changed = await update(ns, { ...matching, data: { k: 'v' } });
    const left = await update(ns, { ...changed, metadata: { ...metaOf(changed), labels: { on: 'no' } } });
    const events = await server.http.watch(
      maps(ns, `?watch=1&resourceVersion=${from}&labelSelector=on%3Dyes`),
      3,
    );
    expect(seen(events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    expect(events[2]?.object).toMatchObject({
      metadata: { labels: { on: 'yes' }, resourceVersion: metaOf(left).resourceVersion },
    });
  });

  test('a write that changes nothing sends no event', async () => {
    const ns = await server.namespace();
    const from = await version(ns);
    const object = await create(ns, configMap('a'));
    await update(ns, object);
    await create(ns, configMap('b'));
    const events = await server.http.watch(maps(ns, `?watch=1&resourceVersion=${from}`), 2);
    expect(seen(events)).toEqual(['ADDED a', 'ADDED b']);
  });

  test('sendInitialEvents streams what is there and then a bookmark that says that it was all', async () => {
    const ns = await labelled();
    const query =
      '?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const events = await server.http.watch(maps(ns, query), 5);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
    expect(events[4]?.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { resourceVersion: expect.any(String), annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
  });

  test('sendInitialEvents without its match: 422', async () => {
    const ns = await server.namespace();
    expect((await call('GET', maps(ns, '?watch=1&sendInitialEvents=true'))).status).toBe(422);
  });

  test('a watch of metadata only sends PartialObjectMetadata', async () => {
    const ns = await server.namespace();
    await create(ns, configMap('a', { data: { k: 'v' } }));
    const watch = await server.http.openWatch(maps(ns, '?watch=1'), {
      accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    });
    const [event] = await watch.next(1);
    watch.close();
    expect(event).toMatchObject({
      type: 'ADDED',
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } },
    });
    expect(event?.object).not.toHaveProperty('data');
  });

  test('a finalizer makes of one deletion a MODIFIED and, once it is gone, a DELETED', async () => {
    const ns = await server.namespace();
    const from = await version(ns);
    await create(ns, configMap('a', { metadata: { finalizers: ['example.com/hold'] } }));
    await call('DELETE', `${maps(ns)}/a`);
    const contentType = 'application/merge-patch+json';
    await call('PATCH', `${maps(ns)}/a`, { body: { metadata: { finalizers: null } }, contentType });
    const events = await server.http.watch(maps(ns, `?watch=1&resourceVersion=${from}`), 3);
    expect(seen(events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    expect(metaOf(events[1]?.object ?? {})['deletionTimestamp']).toEqual(expect.any(String));
  });

  test('a watch from a version that makes no sense: 500', async () => {
    const ns = await server.namespace();
    const watch = await server.http.openWatch(maps(ns, '?watch=1&resourceVersion=abc'));
    watch.close();
    expect(watch.status).toBe(500);
  });

  // Last: it takes the history from the others.
  test('when the history is gone, an old watch gets 410 as an event, and an old list and an old continue token as an answer', async () => {
    const ns = await labelled();
    const then = await version(ns);
    const page = metaOf((await call('GET', maps(ns, '?limit=1'))).body);
    await create(ns, configMap('e'));
    await create(ns, configMap('f'));
    await server.forgetHistory();
    const events = await server.http.watch(maps(ns, `?watch=1&resourceVersion=${then}`), 1);
    expect(events).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } },
    ]);
    const exact = await call('GET', maps(ns, `?resourceVersion=${then}&resourceVersionMatch=Exact`));
    expect(exact.body).toMatchObject({ reason: 'Expired', code: 410 });
    const next = await call('GET', maps(ns, `?limit=1&continue=${q(page.continue ?? '')}`));
    expect(next.status).toBe(410);
    expect(next.body).toMatchObject({ reason: 'Expired', metadata: { continue: expect.any(String) } });
    const fresh = metaOf(next.body).continue ?? '';
    expect(namesOf((await call('GET', maps(ns, `?continue=${q(fresh)}`))).body)).toEqual([
      'b',
      'c',
      'd',
      'e',
      'f',
    ]);
  }, 30_000);
});
