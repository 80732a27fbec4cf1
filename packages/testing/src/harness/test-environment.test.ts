import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Access } from '../control-plane/access.js';
import { request } from '../control-plane/request.js';
import { tooManyRequests } from '../fault-proxy/request-faults.js';
import { eventually } from './eventually.js';
import { testEnvironment } from './jest.js';
import { TestEnvironment } from './test-environment.js';

const environment = testEnvironment();
const wanted = process.env['INCUMBENT_TEST_SERVER'] ?? 'embedded';

interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown; readonly metadata: Record<string, unknown> };
}

async function call(access: Access, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await request(access, { method, path, ...(body ? { body } : {}) });
  return { status: answer.status, body: JSON.parse(answer.body) as Answer['body'] };
}

const admin = (method: string, path: string, body?: object) => call(environment.access(), method, path, body);

/** What a program finds in a kubeconfig. */
function accessIn(file: string): Access {
  const config = JSON.parse(readFileSync(file, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data'?: string } }];
    users: [{ name: string; user: { token?: string; [data: string]: string | undefined } }];
    contexts: [{ context: { namespace?: string } }];
  };
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const { token, ...data } = config.users[0].user;
  const decoded = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  return {
    url: server.replace(/\/as\/.*/, ''),
    ...(ca ? { ca: Buffer.from(ca, 'base64').toString() } : {}),
    ...(token ? { token } : {}),
    ...(data['client-key-data']
      ? {
          clientCertificate: {
            certificate: decoded('client-certificate-data'),
            key: decoded('client-key-data'),
          },
        }
      : {}),
  };
}

let plurals = 0;
function definition(versions = ['v1'], plural = `greetings${(plurals += 1)}`) {
  const group = 'harness.incumbent.dev';
  const kind = `${plural[0]?.toUpperCase()}${plural.slice(1)}`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind, listKind: `${kind}List`, singular: plural },
      versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema })),
    },
  };
}

const names = async (path: string): Promise<unknown[]> => {
  const { items } = (await admin('GET', path)).body as unknown as { items: Answer['body'][] };
  return items.map(({ metadata }) => metadata['name']);
};

const configMaps = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`;
const readConfigMaps = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }];

describe('the server', () => {
  test('is the one that INCUMBENT_TEST_SERVER names, the embedded one by default', () => {
    expect(environment.kind).toBe(wanted);
    expect(environment.access().url).toMatch(wanted === 'real' ? /^https:/ : /^http:/);
  });

  test('may be chosen by the test; what the environment variable says is read late, and must be one of two words', async () => {
    const before = process.env['INCUMBENT_TEST_SERVER'];
    process.env['INCUMBENT_TEST_SERVER'] = 'imaginary';
    try {
      await expect(TestEnvironment.start()).rejects.toMatchObject({ code: 'TEST_SERVER_UNKNOWN' });
      await using chosen = await TestEnvironment.start({ server: 'embedded' });
      expect(chosen.kind).toBe('embedded');
    } finally {
      if (before === undefined) delete process.env['INCUMBENT_TEST_SERVER'];
      else process.env['INCUMBENT_TEST_SERVER'] = before;
    }
  });

  test('can be restarted, and keeps its data', async () => {
    const namespace = await environment.namespace();
    await environment.server.restart();
    expect((await admin('GET', `/api/v1/namespaces/${namespace}`)).status).toBe(200);
  }, 30_000);

  test('leaves the dependents of what is deleted alone, or collects them when asked for controllers', async () => {
    await using collecting = await TestEnvironment.start({ server: 'embedded', controllers: true });
    for (const [own, left] of [
      [environment, 200],
      [collecting, 404],
    ] as const) {
      const maps = configMaps(await own.namespace());
      const owner = (await call(own.access(), 'POST', maps, { metadata: { name: 'owner' } })).body;
      const { uid } = owner.metadata;
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
      const child = await call(own.access(), 'POST', maps, { metadata: { name: 'child', ownerReferences } });
      expect(child.body).toBeOwnedBy(owner);
      await call(own.access(), 'DELETE', `${maps}/owner`);
      await eventually(async () =>
        expect((await call(own.access(), 'GET', `${maps}/child`)).status).toBe(left),
      );
    }
  });

  test('that is not running yet, or no more, says so', async () => {
    const late = new TestEnvironment({ server: 'embedded' });
    const notRunning = expect.objectContaining({ code: 'TEST_ENVIRONMENT_NOT_RUNNING' });
    await expect(late.namespace()).rejects.toEqual(notRunning);
    await late.start();
    await expect(late.start()).rejects.toMatchObject({ code: 'TEST_ENVIRONMENT_STARTED' });
    const { url } = late.access();
    await late.stop();
    await late.stop();
    await expect(late.namespace()).rejects.toEqual(notRunning);
    await expect(request({ url }, { path: '/readyz' })).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('namespaces', () => {
  test('have names of their own, with the prefix and labels that were asked for', async () => {
    const first = await environment.namespace({ prefix: 'shop-', labels: { team: 'a' } });
    expect(first).toMatch(/^shop-\w{5}$/);
    expect(await environment.namespace({ prefix: 'shop-' })).not.toBe(first);
    expect(await names('/api/v1/namespaces?labelSelector=team%3Da')).toEqual([first]);
  });

  test('are removed with all that is in them, whatever finalizers say, and nothing else is', async () => {
    const crd = definition();
    await environment.install(crd);
    const [gone, kept] = [await environment.namespace(), await environment.namespace()];
    const { group, names: named } = crd.spec;
    const greetings = `/apis/${group}/v1/namespaces/${gone}/${named.plural}`;
    const greeting = {
      apiVersion: `${group}/v1`,
      kind: named.kind,
      metadata: { name: 'a', finalizers: ['a.b/c'] },
    };
    expect((await admin('POST', greetings, greeting)).status).toBe(201);
    for (const namespace of [gone, kept])
      await admin('POST', configMaps(namespace), { metadata: { name: 'settings' } });
    await environment.removeNamespace(gone);
    expect((await admin('GET', `/api/v1/namespaces/${gone}`)).status).toBe(404);
    expect(await names(`/apis/${group}/v1/${named.plural}`)).toEqual([]);
    expect(await names(`/api/v1/configmaps?fieldSelector=metadata.name=settings`)).toEqual(['settings']);
    await environment.removeNamespace(gone);
  }, 20_000);
});

describe('definitions', () => {
  test('are served in all their versions when install resolves', async () => {
    const several = [definition(['v1', 'v1beta1']), definition(), definition()];
    await environment.install(...several);
    for (const { spec } of several)
      for (const { name } of spec.versions)
        expect((await admin('GET', `/apis/${spec.group}/${name}/${spec.names.plural}`)).status).toBe(200);
  });

  test('are replaced when they are there already', async () => {
    const before = definition();
    await environment.install(before);
    const { plural } = before.spec.names;
    await environment.install(definition(['v1', 'v2'], plural));
    expect((await admin('GET', `/apis/${before.spec.group}/v2/${plural}`)).status).toBe(200);
  });

  test('that the API server refuses are refused with its words', async () => {
    const bad = definition();
    await expect(environment.install({ ...bad, metadata: { name: 'wrong' } })).rejects.toMatchObject({
      code: 'TEST_ENVIRONMENT_REFUSED',
      message: expect.stringMatching(/answered 422 to POST .*metadata\.name/),
    });
  });
});

describe('users', () => {
  test('may do nothing, and then what their rules say, where they say it, as soon as they are given', async () => {
    const [mine, other] = [await environment.namespace(), await environment.namespace()];
    const stranger = accessIn(await environment.addUser({ name: 'stranger' }));
    expect((await call(stranger, 'GET', configMaps(mine))).status).toBe(403);
    const user = accessIn(
      await environment.addUser({ name: 'reader', rules: readConfigMaps, namespace: mine }),
    );
    expect((await call(user, 'GET', configMaps(mine))).status).toBe(200);
    expect((await call(user, 'GET', configMaps(other))).status).toBe(403);
    expect((await call(user, 'POST', configMaps(mine), { metadata: { name: 'a' } })).status).toBe(403);
    await environment.grant({ user: 'reader', rules: readConfigMaps });
    expect((await call(user, 'GET', configMaps(other))).status).toBe(200);
  });

  test('may be granted subresources, single objects and paths', async () => {
    await environment.addUser({
      name: 'careful',
      rules: [
        { apiGroups: ['apps'], resources: ['deployments/scale'], resourceNames: ['web'], verbs: ['get'] },
      ],
    });
    const careful = environment.access('careful');
    const scale = (name: string) => `/apis/apps/v1/namespaces/default/deployments/${name}/scale`;
    expect((await call(careful, 'GET', scale('web'))).status).toBe(404);
    expect((await call(careful, 'GET', scale('database'))).status).toBe(403);
    await environment.grant({
      user: 'careful',
      rules: [{ nonResourceURLs: ['/metrics/*'], verbs: ['get'] }],
    });
  });

  test('may be service accounts, with rights in their namespace', async () => {
    const namespace = await environment.namespace();
    const account = { namespace, name: 'operator', rules: readConfigMaps };
    const access = accessIn(await environment.addServiceAccount(account));
    expect((await call(access, 'GET', configMaps(namespace))).status).toBe(200);
    expect((await call(access, 'GET', configMaps('default'))).status).toBe(403);
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const who = await call(access, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review);
    expect(who.body['status']).toMatchObject({
      userInfo: { username: `system:serviceaccount:${namespace}:operator` },
    });
  });

  test('that nobody added have no kubeconfig', async () => {
    await expect(environment.kubeconfig({ user: 'nobody' })).rejects.toMatchObject({
      code: 'TEST_ENVIRONMENT_USER',
    });
  });

  test('get kubeconfigs that only their owner may read, and that are gone at the end', async () => {
    const own = await TestEnvironment.start({ server: 'embedded' });
    const file = await own.kubeconfig({ namespace: 'shop' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('"namespace": "shop"');
    await own.stop();
    expect(existsSync(file)).toBe(false);
  });
});

describe('faults', () => {
  test('strike who goes through the proxy, and nobody else', async () => {
    const proxy = await environment.faults();
    const throughProxy = accessIn(await environment.kubeconfigThrough(proxy));
    const lift = proxy.use(tooManyRequests());
    expect((await request(throughProxy, { path: '/readyz' })).status).toBe(429);
    expect((await request(environment.access(), { path: '/readyz' })).status).toBe(200);
    await lift();
    expect((await request(throughProxy, { path: '/api/v1/namespaces' })).status).toBe(200);
  });

  test('leave a user who goes through the proxy the same user', async () => {
    const namespace = await environment.namespace();
    await environment.addUser({ name: 'proxied', rules: readConfigMaps, namespace });
    const proxy = await environment.faults({ user: 'proxied' });
    const access = accessIn(await environment.kubeconfigThrough(proxy));
    expect((await call(access, 'GET', configMaps(namespace))).status).toBe(200);
    expect((await call(access, 'GET', configMaps('default'))).status).toBe(403);
  });
});

describe('events', () => {
  test('are those of one object, not of its namesakes', async () => {
    const namespace = await environment.namespace();
    const settings = (await admin('POST', configMaps(namespace), { metadata: { name: 'settings' } })).body;
    const event = (reason: string, uid: unknown) => ({
      metadata: { generateName: 'e-' },
      involvedObject: { kind: 'ConfigMap', namespace, name: 'settings', uid },
      type: 'Normal',
      reason,
      message: 'So it is.',
    });
    await admin('POST', `/api/v1/namespaces/${namespace}/events`, event('Read', settings.metadata['uid']));
    await admin('POST', `/api/v1/namespaces/${namespace}/events`, event('Written', 'of an earlier one'));
    const events = await environment.eventsOf(settings);
    expect(events).toHaveEvent({ reason: 'Read', message: 'So it is.' });
    expect(events).not.toHaveEvent('Written');
  });

  test('of an object that was never stored can’t be asked for', async () => {
    await expect(environment.eventsOf({ metadata: { name: 'draft' } })).rejects.toMatchObject({
      code: 'EVENTS_OF_NOTHING',
    });
  });
});

describe('what runs in it', () => {
  const embedded = { server: 'embedded' } as const;
  const untilAborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

  test('ends before the server goes, newest first', async () => {
    const ends: string[] = [];
    const own = await TestEnvironment.start(embedded);
    const { url } = own.access();
    own.defer(async () => ends.push(`first, ${(await request({ url }, { path: '/readyz' })).status}`));
    own.run({
      async run({ signal }) {
        await untilAborted(signal);
        await own.namespace();
        ends.push('operator');
      },
    });
    own.defer(() => ends.push('last'));
    await own.stop();
    expect(ends).toEqual(['last', 'operator', 'first, 200']);
  });

  test('fails the wait and the stop when it fails', async () => {
    const own = await TestEnvironment.start(embedded);
    const { url } = own.access();
    own.run(async () => {
      throw new Error('no such controller');
    });
    const waiting = own.eventually(() => expect(1).toBe(2), { timeout: 60_000 });
    await expect(waiting).rejects.toThrow(/Gave up waiting for this .*: no such controller/);
    await expect(own.stop()).rejects.toThrow('no such controller');
    await expect(request({ url }, { path: '/readyz' })).rejects.toThrow(/ECONNREFUSED/);
  });

  test('is waited for as long as the environment was told, unless the wait says otherwise', async () => {
    await using own = await TestEnvironment.start({ ...embedded, timeout: 30 });
    const never = () => expect(1).toBe(2);
    await expect(own.eventually(never)).rejects.toThrow(/Waited [0-2]\.\d s/);
    await expect(own.eventually(never, { timeout: 200 })).rejects.toThrow(/Waited (0\.[2-9]|[1-3]\.\d) s/);
  });

  test('is no more of anybody’s concern once somebody has stopped it', async () => {
    const own = await TestEnvironment.start(embedded);
    const running = own.run(async () => {
      throw new Error('as expected');
    });
    await expect(running.stop()).rejects.toThrow('as expected');
    expect(await own.eventually(() => 'fine')).toBe('fine');
    await own.stop();
  });

  test('is all stopped, and all told of, when several things fail', async () => {
    const own = await TestEnvironment.start(embedded);
    for (const word of ['one', 'two'])
      own.defer(() => {
        throw new Error(word);
      });
    await expect(own.stop()).rejects.toThrow('2 things failed at the end: two; one');
  });
});
