import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client, apply, configMaps, eventually, givenServer, leases, stopServers } from './given.fake.js';
import { listAt, textAt } from './meta.js';
import { EmbeddedApiServer } from './server.js';

afterEach(stopServers);

const configMap = (name: string, data: object = {}) => ({ metadata: { name }, data });

describe('the server', () => {
  test('serves as soon as it has started, and frees its port when stopped', async () => {
    const server = await EmbeddedApiServer.start();
    expect((await new Client(server).get('/readyz')).body).toBe('ok');
    const port = Number(new URL(server.url).port);
    await server.stop();
    const next = await EmbeddedApiServer.start({ port });
    expect(new URL(next.url).port).toBe(String(port));
    await next.stop();
  });

  test('refuses to start on a port that is taken', async () => {
    const { server } = await givenServer();
    await expect(EmbeddedApiServer.start({ port: Number(new URL(server.url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  test('keeps its data and its port over a restart, and cuts the connections', async () => {
    const client = await givenServer();
    await client.post(configMaps, configMap('kept'));
    const watch = await client.watch(`${configMaps}?watch=1`);
    expect(await watch.next()).toMatchObject({ type: 'ADDED' });
    const { url } = client.server;
    await client.server.restart();
    expect(await watch.next()).toBeUndefined();
    expect(client.server.url).toBe(url);
    expect((await client.get(`${configMaps}/kept`)).status).toBe(200);
  });

  test('drops watches alone when told so', async () => {
    const client = await givenServer();
    const watch = await client.watch(`${configMaps}?watch=1`);
    client.server.dropConnections({ watches: true });
    expect(await watch.next()).toBeUndefined();
    expect((await client.get(configMaps)).status).toBe(200);
  });

  test('lets an interceptor delay a request, or answer in its place', async () => {
    const client = await givenServer({
      intercept: (request) => {
        if (request.target?.name === 'no') return { status: 503, body: 'later' };
      },
    });
    expect(await client.get(`${configMaps}/no`)).toMatchObject({ status: 503, body: 'later' });
    expect((await client.get(`${configMaps}/yes`)).status).toBe(404);
  });

  test('answers 413 to a body of more than 3 MiB', async () => {
    const client = await givenServer();
    const answer = await client.post(configMaps, configMap('big', { a: 'x'.repeat(4_000_000) }));
    expect(answer.body).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    expect((await client.get(configMaps)).status).toBe(200);
  });
});

describe('its kubeconfig', () => {
  test('names the server by an address that carries the token, as kubectl sends none over plain HTTP', async () => {
    const { server } = await givenServer();
    const config = JSON.parse(server.kubeconfig({ namespace: 'team' })) as {
      clusters: [{ cluster: { server: string } }];
      contexts: [{ context: { namespace: string } }];
    };
    expect(config.contexts[0].context.namespace).toBe('team');
    const answer = await fetch(`${config.clusters[0].cluster.server}/api/v1/namespaces`);
    expect(answer.status).toBe(200);
  });

  test('is a file that only its owner may read, even if it was there before', async () => {
    const { server } = await givenServer();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'kubeconfig-'));
    const file = path.join(folder, 'config');
    await server.writeKubeconfig(file);
    await server.writeKubeconfig(file, { user: 'admin' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain(server.adminToken);
    await rm(folder, { recursive: true });
  });

  test('cannot be made for a user that does not exist', async () => {
    const { server } = await givenServer();
    expect(() => server.kubeconfig({ user: 'nobody' })).toThrow('no user nobody');
  });
});

describe('authentication', () => {
  test('answers 401 to an unknown token, and 403 to nobody in particular', async () => {
    const client = await givenServer();
    expect(await client.as('wrong').get('/api/v1/pods')).toMatchObject({
      status: 401,
      body: { kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' },
    });
    expect((await client.as('').get('/api/v1/pods')).body).toMatchObject({
      code: 403,
      message:
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
      details: { kind: 'pods' },
    });
    expect((await client.as('').get('/version')).status).toBe(200);
  });

  test('knows service accounts by the tokens that they requested, until these expire', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const client = await givenServer({ now: () => now });
    await client.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'robot' } });
    const request = { spec: { expirationSeconds: 600 } };
    const { body } = await client.post('/api/v1/namespaces/default/serviceaccounts/robot/token', request);
    const robot = client.as(textAt(body, 'status', 'token'));
    const review = await robot.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    expect(review.body).toMatchObject({
      status: {
        userInfo: {
          username: 'system:serviceaccount:default:robot',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        },
      },
    });
    now = new Date('2026-01-01T00:10:00Z');
    expect((await robot.get(configMaps)).status).toBe(401);
  });
});

describe('RBAC', () => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const role = {
    metadata: { name: 'reader' },
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] }],
  };
  const binding = {
    metadata: { name: 'b' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'User', name: 'joe', apiGroup: 'rbac.authorization.k8s.io' }],
  };

  test('allows what roles and bindings say, and denies the rest in the words of the real server', async () => {
    const client = await givenServer({ rbac: true, users: [{ name: 'joe', token: 'joe-token' }] });
    const joe = client.as('joe-token');
    await client.post(configMaps, configMap('mine'));
    expect((await joe.get(`${configMaps}/mine`)).body).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'configmaps "mine" is forbidden: User "joe" cannot get resource "configmaps" in API group "" in the namespace "default"',
      details: { name: 'mine', kind: 'configmaps' },
    });
    await client.post(`${rbac}/roles`, role);
    await client.post(`${rbac}/rolebindings`, binding);
    expect((await joe.get(`${configMaps}/mine`)).status).toBe(200);
    expect((await joe.get(`${configMaps}/other`)).status).toBe(403);
    expect((await joe.get(configMaps)).status).toBe(403);
    expect((await joe.get('/api/v1/namespaces/kube-system/configmaps/mine')).status).toBe(403);
    expect((await joe.get('/apis')).status).toBe(200);
  });

  test('answers access reviews as it decides', async () => {
    const client = await givenServer({ rbac: true, users: [{ name: 'joe', token: 'joe-token' }] });
    await client.post(`${rbac}/roles`, role);
    await client.post(`${rbac}/rolebindings`, binding);
    const ask = async (verb: string) => {
      const resourceAttributes = { verb, resource: 'configmaps', namespace: 'default', name: 'mine' };
      const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      return (await client.as('joe-token').post(reviews, { spec: { resourceAttributes } })).body['status']?.[
        'allowed'
      ];
    };
    expect(await ask('get')).toBe(true);
    expect(await ask('delete')).toBe(false);
  });
});

describe('the journal', () => {
  test('tells accepted writes in the order of their commits, and who made them', async () => {
    const client = await givenServer({ users: [{ name: 'joe', token: 'joe-token' }] });
    const joe = client.as('joe-token');
    const heard: string[] = [];
    client.server.onWrite(({ verb, name }) => heard.push(`${verb} ${name}`));
    await joe.post(configMaps, configMap('a'));
    await joe.post(configMaps, configMap('a'));
    await joe.put(`${configMaps}/a`, configMap('a'));
    await client.patch(`${configMaps}/a`, { data: { k: 'v' } });
    await client.delete(`${configMaps}/a`);
    const entries = client.server.journal.filter(
      ({ resource, name }) => resource === 'configmaps' && name === 'a',
    );
    expect(entries).toMatchObject([
      { user: 'joe', userAgent: 'claim/1', verb: 'create', changed: true },
      { user: 'joe', verb: 'update', changed: false },
      { user: 'admin', verb: 'patch', changed: true, object: { data: { k: 'v' } } },
      { verb: 'delete', removed: true },
    ]);
    const versions = entries.map(({ resourceVersion }) => Number(resourceVersion));
    expect(versions[1]).toBe(versions[0]);
    expect(versions[2]).toBeGreaterThan(Number(versions[0]));
    expect(heard).toEqual(['create a', 'update a', 'patch a', 'delete a']);
  });

  test('does not tell of dry runs', async () => {
    const client = await givenServer();
    const before = client.server.journal.length;
    expect((await client.post(`${configMaps}?dryRun=All`, configMap('a'))).status).toBe(201);
    expect(client.server.journal).toHaveLength(before);
    expect((await client.get(`${configMaps}/a`)).status).toBe(404);
  });
});

describe('reading', () => {
  test('pages read one snapshot, deleted objects included, until the history is compacted', async () => {
    const client = await givenServer();
    for (const name of ['a', 'b', 'c']) await client.post(configMaps, configMap(name));
    const first = await client.get(`${configMaps}?limit=1`);
    expect(first.body['metadata']).toMatchObject({ remainingItemCount: 2 });
    await client.delete(`${configMaps}/b`);
    await client.post(configMaps, configMap('aa'));
    const token = textAt(first.body, 'metadata', 'continue');
    const rest = await client.get(`${configMaps}?limit=5&continue=${token}`);
    expect(
      (rest.body['items'] as unknown as { metadata: object }[]).map(({ metadata }) => metadata),
    ).toMatchObject([{ name: 'b' }, { name: 'c' }]);
    client.server.compact();
    const late = await client.get(`${configMaps}?limit=5&continue=${token}`);
    expect(late.body).toMatchObject({
      code: 410,
      reason: 'Expired',
      metadata: { continue: expect.any(String) },
    });
    const on = await client.get(`${configMaps}?continue=${textAt(late.body, 'metadata', 'continue')}`);
    expect(on.status).toBe(200);
    expect(on.body['items']).toHaveLength(2);
  });

  test('an exact version is answered as of then, a future one not before it is reached', async () => {
    const client = await givenServer();
    const { body } = await client.post(configMaps, configMap('a'));
    const version = Number(body['metadata']?.['resourceVersion']);
    await client.delete(`${configMaps}/a`);
    const past = await client.get(`${configMaps}?resourceVersion=${version}&resourceVersionMatch=Exact`);
    expect(past.body['items']).toHaveLength(1);
    const future = client.get(`${configMaps}?resourceVersion=${version + 2}`);
    await client.post(configMaps, configMap('b'));
    expect((await future).status).toBe(200);
  });

  test('Tables have the columns of the real server', async () => {
    const client = await givenServer({ now: () => new Date('2026-01-01T00:00:00Z') });
    await client.post(leases, { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } });
    const { body } = await client.get(leases, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect(body['columnDefinitions']).toMatchObject([
      { name: 'Name', format: 'name' },
      { name: 'Holder' },
      { name: 'Age' },
    ]);
    expect(body['rows']).toMatchObject([
      { cells: ['l', 'me', '0s'], object: { kind: 'PartialObjectMetadata' } },
    ]);
  });
});

describe('writing', () => {
  test('a write that changes nothing keeps the version', async () => {
    const client = await givenServer();
    const { body } = await client.post(configMaps, configMap('a', { k: 'v' }));
    const again = await client.put(`${configMaps}/a`, configMap('a', { k: 'v' }));
    expect(again.body['metadata']).toEqual(body['metadata']);
  });

  test('of two updates from one version the second is refused', async () => {
    const client = await givenServer();
    const { body } = await client.post(leases, { metadata: { name: 'l' }, spec: {} });
    const { resourceVersion, uid } = body['metadata'] as unknown as { resourceVersion: string; uid: string };
    const take = (holderIdentity: string) =>
      client.put(`${leases}/l`, { metadata: { name: 'l', uid, resourceVersion }, spec: { holderIdentity } });
    const answers = await Promise.all([take('a'), take('b')]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  test('a Lease is created by PUT, but not under the uid of one that is gone', async () => {
    const client = await givenServer();
    const made = await client.put(`${leases}/l`, { metadata: { name: 'l', resourceVersion: '7' }, spec: {} });
    expect(made.status).toBe(201);
    await client.delete(`${leases}/l`);
    const { uid } = made.body['metadata'] as unknown as { uid: string };
    const again = await client.put(`${leases}/l`, { metadata: { name: 'l', uid }, spec: {} });
    expect(again.body).toMatchObject({ code: 409, reason: 'Conflict' });
    expect((await client.put(`${configMaps}/c`, configMap('c'))).status).toBe(404);
  });

  test('MicroTime has six decimals or is refused', async () => {
    const client = await givenServer();
    const lease = (renewTime: string) => ({ metadata: { name: 'l' }, spec: { renewTime } });
    expect((await client.post(leases, lease('2026-01-01T00:00:00.123Z'))).status).toBe(400);
    expect((await client.post(leases, lease('2026-01-01T00:00:00.123000Z'))).status).toBe(201);
  });

  test('applies own fields: another manager is asked before its field is taken', async () => {
    const client = await givenServer();
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };
    expect((await client.patch(`${configMaps}/a?fieldManager=one`, config, apply)).status).toBe(201);
    const other = { ...config, data: { k: 'w' } };
    expect((await client.patch(`${configMaps}/a?fieldManager=two`, other, apply)).body).toMatchObject({
      code: 409,
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.k' }] },
    });
    const forced = await client.patch(`${configMaps}/a?fieldManager=two&force=true`, other, apply);
    expect(forced.body).toMatchObject({ data: { k: 'w' } });
  });

  test('unknown fields are warned of, ignored or refused, as asked', async () => {
    const client = await givenServer();
    const strange = { metadata: { name: 'a' }, zork: 1 };
    const warned = await client.post(`${configMaps}?dryRun=All`, strange);
    expect(warned.headers.get('warning')).toBe('299 - "unknown field \\"zork\\""');
    const ignored = await client.post(`${configMaps}?dryRun=All&fieldValidation=Ignore`, strange);
    expect(ignored.headers.get('warning')).toBeNull();
    expect((await client.post(`${configMaps}?fieldValidation=Strict`, strange)).body).toMatchObject({
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "zork"',
    });
  });
});

describe('deleting', () => {
  test('waits for finalizers, then removes the object with the write that takes the last', async () => {
    const client = await givenServer();
    await client.post(configMaps, { metadata: { name: 'a', finalizers: ['x.y/z'] } });
    const marked = await client.delete(`${configMaps}/a`);
    expect(marked.body).toMatchObject({
      kind: 'ConfigMap',
      metadata: { deletionTimestamp: expect.any(String) },
    });
    expect((await client.post(configMaps, configMap('a'))).body['message']).toMatch(
      /object is being deleted/,
    );
    const grown = await client.patch(`${configMaps}/a`, { metadata: { finalizers: ['x.y/z', 'n.e/w'] } });
    expect(grown.status).toBe(422);
    expect((await client.patch(`${configMaps}/a`, { metadata: { finalizers: null } })).status).toBe(200);
    expect((await client.get(`${configMaps}/a`)).status).toBe(404);
  });

  test('keeps to preconditions', async () => {
    const client = await givenServer();
    const { body } = await client.post(configMaps, configMap('a'));
    const refused = await client.delete(`${configMaps}/a`, { preconditions: { uid: 'other' } });
    expect(refused.body).toMatchObject({ code: 409, details: { kind: 'ConfigMap' } });
    const { uid, resourceVersion } = body['metadata'] as unknown as { uid: string; resourceVersion: string };
    const gone = await client.delete(`${configMaps}/a`, { preconditions: { uid, resourceVersion } });
    expect(gone.body).toMatchObject({ status: 'Success', details: { name: 'a', uid } });
  });

  const owned = (name: string, owner: { name: string; uid: string }, blockOwnerDeletion = true) => ({
    metadata: {
      name,
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', ...owner, blockOwnerDeletion }],
    },
  });

  async function givenOwner(client: Client): Promise<{ name: string; uid: string }> {
    const { body } = await client.post(configMaps, configMap('owner'));
    return { name: 'owner', uid: textAt(body, 'metadata', 'uid') };
  }

  const isGone = (client: Client, name: string) =>
    eventually(
      () => client.get(`${configMaps}/${name}`),
      ({ status }) => status === 404,
    );

  test('takes dependents along, and theirs', async () => {
    const client = await givenServer();
    const owner = await givenOwner(client);
    const child = await client.post(configMaps, owned('child', owner));
    await client.post(
      configMaps,
      owned('grandchild', { name: 'child', uid: textAt(child.body, 'metadata', 'uid') }),
    );
    await client.delete(`${configMaps}/owner`);
    expect((await isGone(client, 'grandchild')).status).toBe(404);
    expect((await isGone(client, 'child')).status).toBe(404);
  });

  test('in the foreground keeps the owner until its dependents are gone', async () => {
    const client = await givenServer();
    const owner = await givenOwner(client);
    const child = owned('child', owner);
    await client.post(configMaps, { metadata: { ...child.metadata, finalizers: ['x.y/z'] } });
    await client.delete(`${configMaps}/owner?propagationPolicy=Foreground`);
    await eventually(
      () => client.get(`${configMaps}/child`),
      ({ body }) => body['metadata']?.['deletionTimestamp'] !== undefined,
    );
    expect((await client.get(`${configMaps}/owner`)).body['metadata']).toMatchObject({
      finalizers: ['foregroundDeletion'],
    });
    await client.patch(`${configMaps}/child`, { metadata: { finalizers: null } });
    expect((await isGone(client, 'owner')).status).toBe(404);
  });

  test('as an orphan leaves dependents without their owner', async () => {
    const client = await givenServer();
    await client.post(configMaps, owned('child', await givenOwner(client)));
    await client.delete(`${configMaps}/owner?propagationPolicy=Orphan`);
    expect((await isGone(client, 'owner')).status).toBe(404);
    const { body } = await client.get(`${configMaps}/child`);
    expect(body['metadata']).not.toHaveProperty('ownerReferences');
  });

  test('an object whose owner does not exist is collected, one with a living owner is not', async () => {
    const client = await givenServer();
    const owner = await givenOwner(client);
    await client.post(configMaps, owned('stray', { name: 'ghost', uid: 'ghost' }));
    const { metadata } = owned('child', owner);
    const ghost = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: 'ghost' };
    await client.post(configMaps, {
      metadata: { ...metadata, ownerReferences: [...metadata.ownerReferences, ghost] },
    });
    expect((await isGone(client, 'stray')).status).toBe(404);
    const kept = await eventually(
      () => client.get(`${configMaps}/child`),
      ({ body }) => listAt(body, 'metadata', 'ownerReferences').length === 1,
    );
    expect(kept.body['metadata']).toMatchObject({ ownerReferences: [{ name: 'owner' }] });
  });

  test('a namespace goes when its content is gone, and takes nothing new meanwhile', async () => {
    const client = await givenServer();
    await client.post('/api/v1/namespaces', { metadata: { name: 'team' } });
    const inTeam = '/api/v1/namespaces/team/configmaps';
    await client.post(inTeam, { metadata: { name: 'held', finalizers: ['x.y/z'] } });
    await client.post(inTeam, { metadata: { name: 'free' } });
    expect((await client.delete('/api/v1/namespaces/team')).body).toMatchObject({
      status: { phase: 'Terminating' },
    });
    expect((await client.post(inTeam, { metadata: { name: 'late' } })).body).toMatchObject({
      code: 403,
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
    const left = await eventually(
      () => client.get(inTeam),
      ({ body }) => (body['items'] as unknown as unknown[]).length === 1,
    );
    expect(left.body['items']).toHaveLength(1);
    expect((await client.get('/api/v1/namespaces/team')).status).toBe(200);
    await client.patch(`${inTeam}/held`, { metadata: { finalizers: null } });
    const gone = await eventually(
      () => client.get('/api/v1/namespaces/team'),
      ({ status }) => status === 404,
    );
    expect(gone.status).toBe(404);
  });
});

describe('what is not served', () => {
  test.each([
    ['/apis/nope.io/v1/things', 404, '404 page not found\n'],
    ['/nope', 404, '404 page not found\n'],
  ])('%s is plain text', async (place, status, body) => {
    const client = await givenServer();
    expect(await client.get(place)).toMatchObject({ status, body });
  });

  test('an unknown resource of a known group is a Status, a known but missing subresource a 501', async () => {
    const client = await givenServer();
    expect((await client.get('/apis/apps/v1/zorks')).body).toMatchObject({ kind: 'Status', code: 404 });
    expect((await client.get('/api/v1/namespaces/default/pods/p/log')).body).toMatchObject({
      code: 501,
      message: 'the embedded API server does not serve pods/log',
    });
  });
});
