import { describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ConfigMap } from '../api/built-in.js';
import { systemClock } from '../kit/clock.js';
import { VirtualClock } from '../kit/virtual-clock.js';
import { Client } from './client.js';
import { type ConnectOptions, type Surroundings, connectFrom } from './connect.js';
import { ExecPlugin } from './exec-plugin.js';
import { KEY, OBJECT, afterwards, given, json, refusal } from './given-server.fake.js';
import type { KubeconfigExec, KubeconfigUser } from './kubeconfig.js';
import { checkedProxy, proxyFromEnvironment } from './proxy.js';

const API = 'client.authentication.k8s.io/v1';

/** A folder that is gone after the test. */
function givenFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-credentials-'));
  afterwards(() => rmSync(folder, { recursive: true }));
  const write = (name: string, content: unknown): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  return { folder, write };
}

function kubeconfig(server: string, user: KubeconfigUser, name = 'one') {
  return {
    'current-context': name,
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `of-${name}` } }],
  };
}

function surroundings(folder: string, env: NodeJS.ProcessEnv = {}): Surroundings {
  return {
    env: { PATH: process.env['PATH'], ...env },
    home: folder,
    serviceAccount: path.join(folder, 'pod'),
  };
}

async function connected(from: Surroundings, options: ConnectOptions = {}) {
  const connection = await connectFrom(from, options);
  afterwards(() => connection.close());
  return { connection, client: new Client(connection) };
}

/** A server that accepts these bearer tokens, and notes what it got. */
async function givenServer(...accepted: string[]) {
  const got: string[] = [];
  const g = await given((request, response) => {
    const authorization = request.headers.authorization ?? '';
    got.push(authorization.replace('Bearer ', ''));
    const known = accepted.includes(authorization.replace('Bearer ', ''));
    return (known ? json(200, OBJECT) : refusal(401, 'Unauthorized'))(request, response);
  });
  return { url: g.connection.server.href, got, accepted };
}

/** A plugin that prints what a file holds, and counts how often it ran. */
function givenPlugin({ folder, write }: ReturnType<typeof givenFolder>) {
  const script = write(
    'plugin.mjs',
    `import { appendFileSync, readFileSync } from 'node:fs';
     appendFileSync(${JSON.stringify(path.join(folder, 'runs'))}, process.env.KUBERNETES_EXEC_INFO + '\\n');
     console.log(readFileSync(${JSON.stringify(path.join(folder, 'printed'))}, 'utf8'));`,
  );
  const exec: KubeconfigExec = { apiVersion: API, command: process.execPath, args: [script] };
  return {
    exec,
    prints: (status: unknown) => write('printed', { apiVersion: API, kind: 'ExecCredential', status }),
    runs: () => readFileSync(path.join(folder, 'runs'), 'utf8').trim().split('\n'),
  };
}

describe('an exec plugin', () => {
  test('is run once for many requests, and again when its credential is about to expire', async () => {
    const clock = new VirtualClock('2026-01-01T00:00:00Z');
    const g = givenFolder();
    const server = await givenServer('first', 'second');
    const plugin = givenPlugin(g);
    plugin.prints({ token: 'first', expirationTimestamp: '2026-01-01T00:10:00Z' });
    g.write('.kube/config', kubeconfig(server.url, { exec: { ...plugin.exec, provideClusterInfo: true } }));
    const { client } = await connected(surroundings(g.folder), { clock });
    await Promise.all(Array.from({ length: 5 }, () => client.get(ConfigMap, KEY)));
    expect(plugin.runs().map((info) => JSON.parse(info))).toEqual([
      {
        apiVersion: API,
        kind: 'ExecCredential',
        spec: { interactive: false, cluster: { server: server.url } },
      },
    ]);
    plugin.prints({ token: 'second' });
    await clock.advance('9m');
    await client.get(ConfigMap, KEY);
    await clock.advance('50s');
    await client.get(ConfigMap, KEY);
    expect(plugin.runs()).toHaveLength(2);
    expect(server.got.slice(5)).toEqual(['first', 'second']);
  });

  test('is run again when the server does not accept its token, once for many requests', async () => {
    const g = givenFolder();
    const server = await givenServer('new');
    const plugin = givenPlugin(g);
    plugin.prints({ token: 'old' });
    g.write('.kube/config', kubeconfig(server.url, { exec: plugin.exec }));
    const { client } = await connected(surroundings(g.folder));
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({ statusCode: 401 });
    plugin.prints({ token: 'new' });
    await Promise.all(Array.from({ length: 5 }, () => client.unfenced().update(ConfigMap, OBJECT)));
    expect(plugin.runs()).toHaveLength(3);
  });

  test.each([
    [
      'that is not installed',
      { command: 'no-such-plugin', installHint: 'get it at x.dev' },
      /`no-such-plugin`, .* is not there: get it at x\.dev/,
    ],
    [
      'that fails',
      { command: '/bin/sh', args: ['-c', 'echo "log in first" >&2; exit 3'] },
      /user "u", failed \(exit code 3\): log in first/,
    ],
    [
      'that hangs',
      { command: '/bin/sh', args: ['-c', 'sleep 20'] },
      /did not end within 200ms: run it in a terminal/,
    ],
    ['that prints no JSON', { command: '/bin/echo', args: ['hello'] }, /printed no JSON/],
    [
      'of another version',
      { command: '/bin/echo', args: ['{"kind":"ExecCredential","apiVersion":"v0"}'] },
      /printed ExecCredential v0 where .*v1: set apiVersion/,
    ],
    [
      'that prints nothing of use',
      { command: '/bin/echo', args: [`{"kind":"ExecCredential","apiVersion":"${API}","status":{}}`] },
      /neither a token nor a certificate/,
    ],
    [
      'that wants to ask somebody',
      { command: '/bin/echo', interactiveMode: 'Always' as const },
      /nobody is there/,
    ],
  ])('%s is told by its command, with what to do', async (_, exec, message) => {
    const plugin = new ExecPlugin(
      { apiVersion: API, ...exec },
      { userName: 'u', cluster: { server: 'https://x' }, env: process.env, clock: systemClock, timeout: 200 },
    );
    await expect(plugin.credential()).rejects.toMatchObject({
      code: 'CREDENTIALS_FAILED',
      message: expect.stringMatching(message),
    });
  });

  test('that fails is not run for each request', async () => {
    const clock = new VirtualClock();
    const g = givenFolder();
    const exec = { apiVersion: API, command: '/bin/sh', args: ['-c', `echo >> ${g.folder}/runs; exit 1`] };
    g.write('.kube/config', kubeconfig('http://127.0.0.1:1', { exec }));
    const { client } = await connected(surroundings(g.folder), { clock });
    const ask = () => client.get(ConfigMap, KEY).catch((error: unknown) => error);
    for (let turn = 0; turn < 3; turn++) expect(await ask()).toMatchObject({ code: 'CREDENTIALS_FAILED' });
    expect(readFileSync(path.join(g.folder, 'runs'), 'utf8')).toHaveLength(1);
    await clock.advance('1s');
    await ask();
    expect(readFileSync(path.join(g.folder, 'runs'), 'utf8')).toHaveLength(2);
  });
});

describe('a token in a file', () => {
  test('is read again as it rotates, and the last one serves while there is none', async () => {
    const clock = new VirtualClock();
    const g = givenFolder();
    const server = await givenServer('one', 'two');
    g.write('.kube/config', kubeconfig(server.url, { tokenFile: 'token' }));
    const { client } = await connected(surroundings(g.folder), { clock });
    const token = g.write('.kube/token', 'one');
    await client.get(ConfigMap, KEY);
    g.write('.kube/token', 'two\n');
    await client.get(ConfigMap, KEY);
    await clock.advance('10s');
    await client.get(ConfigMap, KEY);
    rmSync(token);
    await clock.advance('10s');
    await client.get(ConfigMap, KEY);
    expect(server.got).toEqual(['one', 'one', 'two', 'two']);
  });

  test('of a pod is found where the kubelet puts it, with address, authority and namespace', async () => {
    const { folder, write } = givenFolder();
    for (const [name, content] of Object.entries({ token: 't', namespace: 'here\n', 'ca.crt': 'x' }))
      write(`pod/${name}`, content);
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    const { connection } = await connected(surroundings(folder, env));
    expect([connection.server.href, connection.namespace]).toEqual(['https://[fd00::1]:6443/', 'here']);
  });

  test('is read at once when the server does not accept the one before', async () => {
    const g = givenFolder();
    const server = await givenServer('two');
    g.write('.kube/config', kubeconfig(server.url, { tokenFile: 'token' }));
    g.write('.kube/token', 'one');
    const { client } = await connected(surroundings(g.folder));
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({ statusCode: 401 });
    g.write('.kube/token', 'two');
    await expect(client.unfenced().update(ConfigMap, OBJECT)).resolves.toBeDefined();
  });

  test('that is not there, or empty, is told by its path', async () => {
    const g = givenFolder();
    g.write('.kube/config', kubeconfig('http://127.0.0.1:1', { tokenFile: 'token' }));
    const { client } = await connected(surroundings(g.folder));
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({
      code: 'CREDENTIALS_FAILED',
      message: expect.stringMatching(/the token of user "one" can't be had from .*\/\.kube\/token: ENOENT/),
    });
  });
});

describe('kubeconfig files', () => {
  test('are merged as kubectl does: the first that names something is believed, those not there are left out', async () => {
    const { folder, write } = givenFolder();
    const first = write('first', kubeconfig('http://first:1', {}, 'one'));
    const second = write('second', {
      ...kubeconfig('http://second:2', {}, 'two'),
      clusters: [
        { name: 'one', cluster: { server: 'http://other:1' } },
        { name: 'two', cluster: { server: 'http://second:2/below' } },
      ],
    });
    const from = surroundings(folder, { KUBECONFIG: [first, `${folder}/none`, second].join(path.delimiter) });
    const one = await connected(from);
    const two = await connected(from, { context: 'two' });
    expect([one.connection.server.href, one.connection.namespace]).toEqual(['http://first:1/', 'of-one']);
    expect([two.connection.server.href, two.connection.namespace]).toEqual([
      'http://second:2/below',
      'of-two',
    ]);
  });

  test.each([
    ['no file', undefined, /there is no such file/],
    ['no YAML', '{', /is not YAML/],
    ['a list', '[]', /is no kubeconfig/],
    [
      'no current context',
      { contexts: [{ name: 'a', context: {} }] },
      /no context is current: choose one of a/,
    ],
    [
      'a context that is missing',
      { ...kubeconfig('http://x', {}), 'current-context': 'b' },
      /no context "b": it has one/,
    ],
    ['a cluster that is missing', { ...kubeconfig('http://x', {}), clusters: [] }, /needs cluster "one"/],
    ['a user that is missing', { ...kubeconfig('http://x', {}), users: null }, /needs user "one"/],
    ['an address that is none', kubeconfig('https://', {}), /is no address/],
    [
      'a proxy of another kind',
      {
        ...kubeconfig('http://x', {}),
        clusters: [{ name: 'one', cluster: { server: 'https://x', 'proxy-url': 'socks5://p:1' } }],
      },
      /socks5:\/\/p:1 can't be used: .* SOCKS is not spoken/,
    ],
  ])('with %s are refused in plain words', async (_, content, message) => {
    const { folder, write } = givenFolder();
    const file = content === undefined ? path.join(folder, 'none') : write('config', content);
    await expect(connectFrom(surroundings(folder), { kubeconfig: file })).rejects.toMatchObject({
      code: 'CONNECTION_CONFIG',
      message: expect.stringMatching(message),
    });
  });

  test('that may not be read are told so, and so is their absence outside a pod', async () => {
    const { folder, write } = givenFolder();
    await expect(connectFrom(surroundings(folder))).rejects.toThrow(
      /No cluster to connect to: set KUBECONFIG/,
    );
    const file = write('config', '{}');
    const reading = connectFrom(surroundings(folder), { kubeconfig: path.join(file, 'below') });
    await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_CONFIG' });
  });

  test.each([
    ['a token', { token: 't' }, 'Bearer t'],
    ['a password', { username: 'u', password: 'p' }, `Basic ${Buffer.from('u:p').toString('base64')}`],
    ['nothing', {}, undefined],
  ])('may give %s', async (_, user, authorization) => {
    const got: unknown[] = [];
    const g = await given((request, response) => {
      got.push(request.headers.authorization, request.headers['impersonate-user']);
      json(200, OBJECT)(request, response);
    });
    const { folder, write } = givenFolder();
    write('.kube/config', kubeconfig(g.connection.server.href, { ...user, as: 'robot' }));
    const { client } = await connected(surroundings(folder));
    await client.get(ConfigMap, KEY);
    expect(got).toEqual([authorization, 'robot']);
  });
});

describe('a proxy', () => {
  const HTTPS_PROXY = 'http://proxy:3128';

  test.each([
    ['https://api.example.com', {}, HTTPS_PROXY],
    ['http://api.example.com', {}, undefined],
    ['http://api.example.com', { HTTP_PROXY: 'plain:80' }, 'http://plain:80'],
    ['https://127.0.0.1:6443', {}, undefined],
    ['https://localhost', {}, undefined],
    ['https://[::1]:6443', {}, undefined],
    ['https://api.example.com', { NO_PROXY: '*' }, undefined],
    ['https://api.example.com', { NO_PROXY: 'example.com' }, undefined],
    ['https://api.example.com', { NO_PROXY: ' .example.com ,x' }, undefined],
    ['https://api.example.com', { no_proxy: '*.example.com' }, undefined],
    ['https://example.com', { NO_PROXY: '.example.com' }, HTTPS_PROXY],
    ['https://myexample.com', { NO_PROXY: 'example.com' }, HTTPS_PROXY],
    ['https://api.example.com:6443', { NO_PROXY: 'example.com:443' }, HTTPS_PROXY],
    ['https://api.example.com:6443', { NO_PROXY: 'example.com:6443' }, undefined],
    ['https://10.96.0.1', { NO_PROXY: '10.96.0.0/12' }, undefined],
    ['https://10.95.0.1', { NO_PROXY: '10.96.0.0/12' }, HTTPS_PROXY],
    ['https://10.96.0.1', { NO_PROXY: '10.96.0.1' }, undefined],
    ['https://[fd00::1]', { NO_PROXY: 'fd00::/8' }, undefined],
    ['https://10.96.0.1', { NO_PROXY: '10.96.0.0/99,10.96.0.0/' }, HTTPS_PROXY],
  ])('for %s with %j is %s', (server, env, proxy) => {
    expect(proxyFromEnvironment(new URL(server), { HTTPS_PROXY, ...env })).toBe(proxy);
  });

  test('of a kind that we do not speak is refused', () => {
    expect(checkedProxy('https://proxy:1')).toBe('https://proxy:1');
    expect(() => checkedProxy('socks5://proxy:1')).toThrow(/SOCKS is not spoken/);
    expect(() => checkedProxy('proxy')).toThrow(/give the URL/);
  });
});
