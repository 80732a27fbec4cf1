import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Client,
  ConfigMap,
  type Connection,
  type KubernetesObject,
  Namespace,
  connect,
  discover,
  resource,
} from '@incumbent/core/client';
import { VirtualClock } from '@incumbent/core/testing';
import { CertificateAuthority, ControlPlane, EmbeddedApiServer, findAssets } from '@incumbent/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';

const KEY = { namespace: 'default', name: 'one' };
const OBJECT = { apiVersion: 'v1', kind: 'ConfigMap', metadata: KEY };
const YEAR = 365 * 86_400_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function listening(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** A server over TLS that answers with an object, and notes whom it was asked by. */
async function givenTlsServer(options: https.ServerOptions) {
  const callers: (string | undefined)[] = [];
  let sockets = 0;
  const server = https.createServer(options, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    callers.push(subject?.CN as string | undefined);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(OBJECT));
  });
  server.on('secureConnection', () => sockets++);
  const port = await listening(server);
  return { url: `https://127.0.0.1:${port}`, port, callers, sockets: () => sockets };
}

function givenFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-client-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A connection as a kubeconfig with these entries makes it. */
async function connected(cluster: object, user: object = {}, clock?: VirtualClock): Promise<Connection> {
  const kubeconfig = path.join(givenFolder(), 'config');
  const config = {
    'current-context': 'c',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const connection = await connect({ kubeconfig, ...(clock ? { clock } : {}) });
  cleanups.push(() => connection.close());
  return connection;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('what goes wrong with TLS is said in one sentence, with the remedy:', () => {
  const authority = new CertificateAuthority(new Date());
  const { certificate: cert, key } = authority.forServer('server');
  const old = new CertificateAuthority(new Date(Date.now() - 3 * YEAR));
  const expired = old.forServer('server');
  const young = new CertificateAuthority(new Date(Date.now() + YEAR));
  const early = young.forServer('server');
  const stranger = new CertificateAuthority(new Date()).forClient({ commonName: 'stranger' });
  const ours = { 'certificate-authority-data': base64(authority.certificate) };

  test.each([
    [
      'an unknown authority',
      { cert, key },
      {},
      {},
      /not signed by an authority that we trust: put its authority's certificate into/,
    ],
    [
      'a certificate of another authority',
      { cert, key },
      { 'certificate-authority-data': base64(old.certificate) },
      {},
      /not signed by an authority that we trust/,
    ],
    [
      'an expired certificate',
      { cert: expired.certificate, key: expired.key },
      { 'certificate-authority-data': base64(old.certificate) },
      {},
      /has expired: renew it/,
    ],
    [
      'one that is not valid yet',
      { cert: early.certificate, key: early.key },
      { 'certificate-authority-data': base64(young.certificate) },
      {},
      /not valid yet: correct the clock/,
    ],
    [
      'a name that does not match',
      { cert, key },
      { ...ours, 'tls-server-name': 'api.example.com' },
      {},
      /is for DNS:localhost, IP Address:127\.0\.0\.1 and not for api\.example\.com: use a name that it has, or set tls-server-name/,
    ],
    [
      'a client certificate that is missing',
      { cert, key, ca: authority.certificate, requestCert: true, maxVersion: 'TLSv1.2' as const },
      ours,
      {},
      /wants a client certificate, .*: give client-certificate and client-key/,
    ],
    [
      'a client certificate that is not accepted',
      { cert, key, ca: authority.certificate, requestCert: true },
      ours,
      { 'client-certificate-data': base64(stranger.certificate), 'client-key-data': base64(stranger.key) },
      /may not accept our client certificate: look at client-certificate/,
    ],
    [
      'a server that is too old',
      {
        cert,
        key,
        maxVersion: 'TLSv1.1' as const,
        minVersion: 'TLSv1' as const,
        ciphers: 'DEFAULT@SECLEVEL=0',
      },
      ours,
      {},
      /too old: it needs TLS 1\.2/,
    ],
  ])('%s', async (_, options, cluster, user, message) => {
    const { url } = await givenTlsServer(options);
    const client = new Client(await connected({ server: url, ...cluster }, user));
    const error = await client.get(ConfigMap, KEY).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'REQUEST_FAILED', message: expect.stringMatching(message) });
    // One sentence, with its code at the end, and no other.
    expect((error as Error).message).toMatch(/^GET \S+: 127\.0\.0\.1:\d+: [^\n]*\([A-Z0-9_/]+\)$/);
  });

  test('a server without TLS under https', async () => {
    const port = await listening(http.createServer((_, response) => response.end('{}')));
    const client = new Client(await connected({ server: `https://127.0.0.1:${port}` }));
    await expect(client.get(ConfigMap, KEY)).rejects.toThrow(
      /does not speak TLS: write its address as http:\/\//,
    );
  });

  test('a server with TLS under http', async () => {
    const { port } = await givenTlsServer({ cert, key });
    const client = new Client(await connected({ server: `http://127.0.0.1:${port}` }));
    await expect(client.get(ConfigMap, KEY)).rejects.toThrow(
      /may speak TLS: write its address as https:\/\//,
    );
  });

  test('a client key that does not belong to its certificate', async () => {
    const other = authority.forClient({ commonName: 'other' });
    const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(other.key) };
    const client = new Client(await connected({ server: 'https://127.0.0.1:1' }, user));
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({
      code: 'CREDENTIALS_FAILED',
      message: expect.stringMatching(/certificate and key of user "u" can't be used together/),
    });
  });
});

describe('a kubeconfig', () => {
  const authority = new CertificateAuthority(new Date());
  const { certificate: cert, key } = authority.forServer('server');
  const strict = { cert, key, ca: authority.certificate, requestCert: true };
  const ca = { 'certificate-authority-data': base64(authority.certificate) };

  test('may say that nothing is to be verified, or by which name', async () => {
    const { url } = await givenTlsServer({ cert, key });
    const trusting = await connected({ server: url, 'insecure-skip-tls-verify': true });
    await expect(new Client(trusting).get(ConfigMap, KEY)).resolves.toBeDefined();
    const other = await connected({ server: url, ...ca, 'tls-server-name': 'localhost' });
    await expect(new Client(other).get(ConfigMap, KEY)).resolves.toBeDefined();
  });

  test('may name files of a client certificate, which rotate under requests without one that fails', async () => {
    const server = await givenTlsServer(strict);
    const folder = givenFolder();
    const issue = (commonName: string, what: 'both' | 'certificate' = 'both') => {
      const pair = authority.forClient({ commonName });
      writeFileSync(path.join(folder, 'tls.crt'), pair.certificate);
      if (what === 'both') writeFileSync(path.join(folder, 'tls.key'), pair.key);
    };
    issue('first');
    const user = {
      'client-certificate': path.join(folder, 'tls.crt'),
      'client-key': path.join(folder, 'tls.key'),
    };
    const clock = new VirtualClock();
    const client = new Client(await connected({ server: server.url, ...ca }, user, clock));
    const ask = async () => {
      await client.get(ConfigMap, KEY);
      await clock.advance('10s');
    };
    await ask();
    await ask();
    issue('half way', 'certificate');
    await ask();
    issue('second');
    await ask();
    expect(server.callers).toEqual(['first', 'first', 'first', 'second']);
    expect(server.sockets()).toBe(2);
  });

  test('may name a command that gives a client certificate', async () => {
    const server = await givenTlsServer(strict);
    const pair = authority.forClient({ commonName: 'by plugin' });
    const printed = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { clientCertificateData: pair.certificate, clientKeyData: pair.key },
    };
    const exec = { apiVersion: printed.apiVersion, command: '/bin/echo', args: [JSON.stringify(printed)] };
    await new Client(await connected({ server: server.url, ...ca }, { exec })).get(ConfigMap, KEY);
    expect(server.callers).toEqual(['by plugin']);
  });
});

describe('a proxy', () => {
  const authority = new CertificateAuthority(new Date());
  const { certificate: cert, key } = authority.forServer('server');
  const ca = { 'certificate-authority-data': base64(authority.certificate) };

  async function givenProxy(refuseWith?: string) {
    const asked: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request: http.IncomingMessage, near: net.Socket) => {
      asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      if (refuseWith) return near.end(`HTTP/1.1 ${refuseWith}\r\n\r\n`);
      const [host, port] = (request.url ?? '').split(':');
      const far = net.connect(Number(port), host, () => {
        near.write('HTTP/1.1 200 OK\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      near.on('close', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    return { port: await listening(proxy), asked };
  }

  test('of the kubeconfig is a tunnel, through which TLS is spoken with the server itself', async () => {
    const server = await givenTlsServer({ cert, key });
    const proxy = await givenProxy();
    const proxyUrl = `http://me:secret@127.0.0.1:${proxy.port}`;
    const connection = await connected({ server: server.url, ...ca, 'proxy-url': proxyUrl });
    const client = new Client(connection);
    await client.get(ConfigMap, KEY);
    await client.get(ConfigMap, KEY);
    expect(new Set(proxy.asked)).toEqual(
      new Set([`CONNECT 127.0.0.1:${server.port} Basic ${base64('me:secret')}`]),
    );
  });

  test.each([
    ['407 Proxy Authentication Required', /the proxy wants a user and password: write them into its URL/],
    ['403 Forbidden', /the proxy refuses the way to 127\.0\.0\.1:\d+ with 403/],
  ])('that answers %s is told', async (answer, message) => {
    const proxy = await givenProxy(answer);
    const connection = await connected({
      server: 'https://127.0.0.1:1',
      'proxy-url': `http://127.0.0.1:${proxy.port}`,
    });
    await expect(new Client(connection).get(ConfigMap, KEY)).rejects.toThrow(message);
  });

  test('where nothing listens is told', async () => {
    const connection = await connected({ server: 'https://127.0.0.1:2', 'proxy-url': 'http://127.0.0.1:1' });
    await expect(new Client(connection).get(ConfigMap, KEY)).rejects.toThrow(/nothing listens there/);
  });
});

const servers = [
  ['embedded', () => EmbeddedApiServer.start()],
  ...(hasControlPlane() ? [['real', () => ControlPlane.start()] as const] : []),
] as const;

function hasControlPlane(): boolean {
  try {
    return Boolean(findAssets());
  } catch {
    return false;
  }
}

describe.each(servers)('on the %s server', (_, start) => {
  async function given() {
    const server = await start();
    cleanups.push(() => server.stop());
    const kubeconfig = path.join(givenFolder(), 'config');
    await server.writeKubeconfig(kubeconfig);
    const connection = await connect({ kubeconfig });
    cleanups.push(() => connection.close());
    return { connection, client: new Client(connection) };
  }

  test('typed and untyped objects go one way, and keep every field that we know nothing of', async () => {
    const { connection, client } = await given();
    const writer = client.unfenced();
    const Definition = await discover(connection, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
    });
    expect(Definition).toMatchObject({ plural: 'customresourcedefinitions', scope: 'Cluster' });
    await writer.create(Definition, {
      metadata: { name: 'oxen.farm.dev' },
      spec: {
        group: 'farm.dev',
        scope: 'Namespaced',
        names: { kind: 'Ox', plural: 'oxen', singular: 'ox' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    const Ox = await eventually(() => discover(connection, { apiVersion: 'farm.dev/v1', kind: 'Ox' }));
    expect(Ox).toEqual({ group: 'farm.dev', version: 'v1', kind: 'Ox', plural: 'oxen', scope: 'Namespaced' });
    const unknown = {
      deep: [{ er: { than: null, we: 1.5, look: '' } }],
      empty: {},
      none: [],
      big: 9007199254740991,
    };
    await eventually(() =>
      writer.create(Ox, {
        metadata: { namespace: 'default', name: 'o' },
        spec: { known: 1, unknown },
        other: unknown,
      }),
    );
    // The same by a type that knows less than there is.
    const Typed = resource<KubernetesObject & { spec: { known: number } }>({
      group: 'farm.dev',
      version: 'v1',
      kind: 'Ox',
      plural: 'oxen',
    });
    const read = await client.get(Typed, { namespace: 'default', name: 'o' });
    await writer.update(Typed, { ...read, spec: { ...read.spec, known: 2 } });
    const after = await client.get(Ox, { namespace: 'default', name: 'o' });
    expect([after['spec'], after['other']]).toEqual([{ known: 2, unknown }, unknown]);
  }, 60_000);

  test('a delete answers with what is left, and a kind that is not served is told', async () => {
    const { connection, client } = await given();
    const writer = client.unfenced();
    const metadata = { namespace: 'default', name: 'kept', finalizers: ['a.dev/b'] };
    const { metadata: made } = await writer.create(ConfigMap, { metadata });
    const left = await writer.delete(ConfigMap, metadata);
    expect(left).toMatchObject({ metadata: { uid: made.uid, deletionTimestamp: expect.any(String) } });
    await writer.create(ConfigMap, { metadata: { namespace: 'default', name: 'gone' } });
    const status = await writer.delete(ConfigMap, { namespace: 'default', name: 'gone' });
    expect(status).toMatchObject({ kind: 'Status', status: 'Success', details: { uid: expect.any(String) } });
    expect(await discover(connection, { apiVersion: 'v1', kind: 'Namespace' })).toMatchObject({
      plural: Namespace.plural,
      scope: 'Cluster',
    });
    for (const apiVersion of ['v1', 'apps/v1', 'no.dev/v1'])
      await expect(discover(connection, { apiVersion, kind: 'Unicorn' })).rejects.toMatchObject({
        code: 'RESOURCE_UNKNOWN',
      });
  }, 60_000);
});

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
