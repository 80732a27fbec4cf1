import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlPlane, FaultProxy, findAssets, loseResponses, TestServerError } from '@incumbent/testing';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

interface Access {
  readonly url: string;
  readonly ca?: string;
  readonly token?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const run = promisify(execFile);

function whyNot(): string | undefined {
  try {
    findAssets();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`The control plane is not tested here. ${reason}\n`);
const withBinaries = reason === undefined ? describe : describe.skip;

async function ask(access: Access, method: string, target: string, body?: unknown): Promise<Answer> {
  const url = new URL(target, access.url);
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    agent: false,
    headers: {
      'content-type': 'application/json',
      ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
    },
    ...(access.ca === undefined ? {} : { ca: access.ca }),
    ...(access.clientCertificate && {
      cert: access.clientCertificate.certificate,
      key: access.clientCertificate.key,
    }),
  });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return {
    status: response.statusCode ?? 0,
    body: JSON.parse(await text(response)) as Record<string, unknown>,
  };
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const settings = '/api/v1/namespaces/default/configmaps';
const setting = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

withBinaries('a real control plane', () => {
  let server: ControlPlane;

  beforeAll(async () => {
    server = await ControlPlane.start();
  }, 60_000);

  afterAll(async () => {
    await server.stop();
  });

  test('serves its administrator on a loopback address, with a certificate that the kubeconfig vouches for', async () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await ask(server.access(), 'GET', '/version')).body).toMatchObject({ major: '1' });
    await expect(ask({ url: server.url }, 'GET', '/version')).rejects.toThrow('certificate');
  });

  test('has the namespaces that always exist, from the start', async () => {
    for (const name of ['default', 'kube-system'])
      expect((await ask(server.access(), 'GET', `/api/v1/namespaces/${name}`)).status).toBe(200);
  });

  test('knows an added user and the groups at once, and lets the user do what a role binding says and nothing else', async () => {
    server.addUser({ name: 'jane', groups: ['writers'] });
    const jane = server.access('jane');
    const forbidden = await ask(jane, 'GET', settings);
    expect(forbidden.status).toBe(403);
    expect(forbidden.body['message']).toContain('User "jane" cannot list resource "configmaps"');
    await ask(server.access(), 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'writers' },
      subjects: [{ kind: 'Group', name: 'writers', apiGroup: 'rbac.authorization.k8s.io' }],
      // Not "edit": it is put together by a controller that does not run here.
      roleRef: { kind: 'ClusterRole', name: 'cluster-admin', apiGroup: 'rbac.authorization.k8s.io' },
    });
    await until('the binding counts', async () => (await ask(jane, 'GET', settings)).status === 200);
    expect((await ask(jane, 'GET', '/api/v1/nodes')).status).toBe(403);
  });

  test('refuses a user whom nobody added, with a code and what to do', () => {
    expect(() => server.kubeconfig({ user: 'nobody' })).toThrow(
      expect.objectContaining({ code: 'CONTROL_PLANE_USER', message: expect.stringContaining('addUser') }),
    );
  });

  test('gives service accounts tokens that are bound to a pod and die with it', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const created = await ask(server.access(), 'POST', pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'operator-0' },
      spec: { serviceAccountName: 'operator', containers: [{ name: 'operator', image: 'none' }] },
    });
    expect(created.status).toBe(201);
    await server.addServiceAccount({ namespace: 'default', name: 'operator', pod: 'operator-0' });
    const user = server.access('system:serviceaccount:default:operator');
    const review = await ask(user, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    });
    expect(review.body).toMatchObject({
      status: {
        userInfo: {
          username: 'system:serviceaccount:default:operator',
          extra: { 'authentication.kubernetes.io/pod-name': ['operator-0'] },
        },
      },
    });
    // Tokens that were accepted are remembered for ten seconds: a new one shows it at once.
    await server.addServiceAccount({ namespace: 'default', name: 'operator', pod: 'operator-0' });
    const late = server.access('system:serviceaccount:default:operator');
    await ask(server.access(), 'DELETE', `${pods}/operator-0?gracePeriodSeconds=0`);
    await until('the token is refused', async () => (await ask(late, 'GET', settings)).status === 401);
  });

  test('says what the API server refused when a token is asked for a pod that is not there', async () => {
    const asking = server.addServiceAccount({ namespace: 'default', name: 'operator', pod: 'absent' });
    await expect(asking).rejects.toMatchObject({
      code: 'CONTROL_PLANE_REFUSED',
      message: expect.stringContaining('pods \\"absent\\" not found'),
    });
  });

  test('writes kubeconfigs that only their owner may read, into folders that it makes', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-test-'));
    const file = path.join(folder, 'below', 'kubeconfig');
    await server.writeKubeconfig(file, { namespace: 'kube-system' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const config = JSON.parse(readFileSync(file, 'utf8')) as { contexts: { context: object }[] };
    expect(config.contexts[0]?.context).toMatchObject({ namespace: 'kube-system' });
    rmSync(folder, { recursive: true });
  });

  test('keeps its data, its address and its users over a restart, and nobody answers while it is down', async () => {
    await ask(server.access(), 'POST', settings, setting('kept'));
    const { url } = server;
    const pid = server.pids.get('kube-apiserver');
    let refused: unknown;
    await server.restart({
      signal: 'SIGKILL',
      whileDown: async () => {
        refused = await ask(server.access(), 'GET', settings).catch((error: { code: string }) => error.code);
      },
    });
    expect(refused).toBe('ECONNREFUSED');
    expect(server.url).toBe(url);
    expect(server.pids.get('kube-apiserver')).not.toBe(pid);
    expect((await ask(server.access('jane'), 'GET', `${settings}/kept`)).status).toBe(200);
  });

  test('forgets its history when told to: a watch and a continue token from before answer 410', async () => {
    const old = (await ask(server.access(), 'GET', settings)).body['metadata'] as { resourceVersion: string };
    await ask(server.access(), 'POST', settings, setting('a-later-one'));
    const page = (await ask(server.access(), 'GET', `${settings}?limit=1`)).body['metadata'] as {
      continue: string;
    };
    await ask(server.access(), 'POST', settings, setting('a-still-later-one'));
    await server.compact();
    await server.restart();
    const list = await ask(
      server.access(),
      'GET',
      `${settings}?limit=1&continue=${encodeURIComponent(page.continue)}`,
    );
    expect(list.status).toBe(410);
    const watch = await ask(
      server.access(),
      'GET',
      `${settings}?watch=1&resourceVersion=${old.resourceVersion}&timeoutSeconds=5`,
    );
    expect(watch.body).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  test('is reached through a fault proxy as the user of its target', async () => {
    const proxy = await FaultProxy.start({ target: server.access() });
    const lift = proxy.use(loseResponses({ matching: { method: 'POST' } }));
    await expect(ask(proxy.access(), 'POST', settings, setting('unheard'))).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(
      (await ask(proxy.access(), 'POST', settings, setting('unheard')).catch(() => undefined))?.status,
    ).toBe(undefined);
    await lift();
    expect((await ask(proxy.access(), 'POST', settings, setting('unheard'))).status).toBe(409);
    await proxy.stop();
    const asJane = await FaultProxy.start({ target: server.access('jane') });
    expect((await ask(asJane.access(), 'GET', '/api/v1/nodes')).body['message']).toContain('User "jane"');
    await asJane.stop();
    const bytes = await FaultProxy.start({ target: server.access(), level: 'tcp' });
    expect((await ask(bytes.access(), 'GET', settings)).status).toBe(200);
    await bytes.stop();
  });
});

withBinaries('the life of a control plane', () => {
  test('it takes flags for feature gates, APIs and the rest, and leaves nothing behind when it stops', async () => {
    const server = await ControlPlane.start({
      featureGates: { CoordinatedLeaderElection: true },
      runtimeConfig: { 'coordination.k8s.io/v1beta1': true },
      watchCache: false,
      apiServerFlags: ['--event-ttl=1m'],
    });
    expect((await ask(server.access(), 'GET', '/apis/coordination.k8s.io/v1beta1')).status).toBe(200);
    const pids = [...server.pids.values()];
    expect(pids).toHaveLength(2);
    await server.stop();
    await server.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(server.folder)).toBe(false);
  }, 60_000);

  test('a server that ends at once is reported with its last lines, and nothing is left of the attempt', async () => {
    const starting = ControlPlane.start({ apiServerFlags: ['--no-such-flag'] });
    await expect(starting).rejects.toMatchObject({
      code: 'CONTROL_PLANE_ENDED',
      message: expect.stringMatching(/kube-apiserver ended with code 1\.(.|\n)*unknown flag: --no-such-flag/),
    });
  }, 60_000);

  test('a server that is not ready in time is reported and ended', async () => {
    await expect(ControlPlane.start({ startTimeout: 700 })).rejects.toMatchObject({
      code: 'CONTROL_PLANE_NOT_READY',
    });
  }, 60_000);

  test('servers and folder go when the process that started them is killed', async () => {
    const program = `
      import { ControlPlane } from '@incumbent/testing';
      const server = await ControlPlane.start();
      console.log(JSON.stringify({ folder: server.folder, pids: [...server.pids.values()] }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { folder, pids } = JSON.parse(line.toString()) as { folder: string; pids: number[] };
    expect(pids.filter(isAlive)).toEqual(pids);
    parent.kill('SIGKILL');
    await until('everything is gone', () => !existsSync(folder) && !pids.some(isAlive));
  }, 60_000);
});

describe('without binaries', () => {
  test('the error names what is missing and the commands that fetch it', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-test-'));
    writeFileSync(path.join(folder, 'etcd'), '');
    chmodSync(path.join(folder, 'etcd'), 0o755);
    const error = await ControlPlane.start({ assets: folder }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TestServerError);
    expect(error).toMatchObject({
      code: 'CONTROL_PLANE_ASSETS_MISSING',
      message: expect.stringMatching(
        /no executable kube-apiserver.*setup-envtest.*tools\/control-plane\/build\.mjs/,
      ),
    });
    rmSync(folder, { recursive: true });
  });

  test('building them without Go ends with code 3 and one line, and touches nothing', async () => {
    const empty = mkdtempSync(path.join(os.tmpdir(), 'incumbent-test-'));
    mkdirSync(path.join(empty, 'bin'));
    const script = path.join(import.meta.dirname, '../tools/control-plane/build.mjs');
    const env = { PATH: path.join(empty, 'bin'), XDG_CACHE_HOME: path.join(empty, 'cache') };
    const failed = await run(process.execPath, [script], { env }).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed).toMatchObject({ code: 3, stderr: expect.stringMatching(/^No Go toolchain found: .*\n$/) });
    expect(existsSync(env.XDG_CACHE_HOME)).toBe(false);
    rmSync(empty, { recursive: true });
  });
});
