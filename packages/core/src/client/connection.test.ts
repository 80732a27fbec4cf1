import { afterEach, describe, expect, test } from '@jest/globals';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { ConfigMap } from '../api/built-in.js';
import { isConflict, isNotFound } from '../api/errors.js';
import { type Clock, systemClock } from '../kit/clock.js';
import { type Authority, AuthorityLostError } from '../leadership/authority.js';
import { Client } from './client.js';
import { Connection } from './connection.js';

const KEY = { namespace: 'default', name: 'one' };
const OBJECT = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...KEY, uid: 'u', resourceVersion: '1', creationTimestamp: '' },
};

interface Seen {
  readonly method: string | undefined;
  readonly url: URL;
  readonly at: number;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server that notes each request when it arrives, and answers as told. */
async function given(
  answer: (request: IncomingMessage, response: ServerResponse) => void = json(200, OBJECT),
  maxSockets = 16,
) {
  const seen: Seen[] = [];
  let sockets = 0;
  const server: Server = createServer((request, response) => {
    seen.push({ method: request.method, url: new URL(request.url ?? '', 'http://x'), at: performance.now() });
    request.resume().on('end', () => answer(request, response));
  });
  server.on('connection', () => sockets++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = new Connection({
    server: url,
    credentials: { current: async () => ({ headers: { authorization: 'Bearer t' }, tls: {} }) },
    maxSockets,
  });
  cleanups.push(
    () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
    () => connection.close(),
  );
  return { connection, client: new Client(connection), seen, sockets: () => sockets };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** A right that ends `ms` milliseconds from now. */
function authority(ms: number, clock: Clock = systemClock) {
  const end = clock.monotonic() + ms;
  const unsettled: number[] = [];
  const held: Authority = {
    signal: new AbortController().signal,
    remaining: () => end - clock.monotonic(),
    assertHeld() {
      if (end <= clock.monotonic()) throw new AuthorityLostError('lost');
    },
    mayStillCommit: (left) => unsettled.push(left),
  };
  return { held, unsettled };
}

function blockEventLoop(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('writes under a right', () => {
  test('are sent while it is held, with a server-side timeout that ends before it does', async () => {
    const { client, seen } = await given();
    await client.under(authority(2000).held).patch(ConfigMap, KEY, { type: 'merge', patch: { data: {} } });
    expect(seen).toHaveLength(1);
    const timeout = Number(seen[0]?.url.searchParams.get('timeout')?.replace('ms', ''));
    expect(timeout).toBeGreaterThan(1000);
    expect(timeout).toBeLessThan(2000);
  });

  test('are refused once it is lost, and nothing is sent', async () => {
    const { client, seen } = await given();
    const writer = client.under(authority(-1).held);
    await expect(writer.create(ConfigMap, { metadata: { ...KEY } })).rejects.toThrow(AuthorityLostError);
    await expect(writer.update(ConfigMap, OBJECT)).rejects.toMatchObject({ code: 'AUTHORITY_LOST' });
    await expect(writer.delete(ConfigMap, KEY)).rejects.toMatchObject({ code: 'AUTHORITY_LOST' });
    expect(seen).toHaveLength(0);
    await writer.get(ConfigMap, KEY);
    expect(seen).toHaveLength(1);
  });

  test('queued behind a busy connection while the event loop blocks past the deadline never leave', async () => {
    const slow = (_: IncomingMessage, response: ServerResponse) =>
      setTimeout(() => json(200, OBJECT)(_, response), 100);
    const { client, seen } = await given(slow, 1);
    const { held } = authority(300);
    const busy = client.unfenced().update(ConfigMap, OBJECT);
    const queued = client.under(held).update(ConfigMap, OBJECT);
    queued.catch(() => {});
    setTimeout(() => blockEventLoop(400), 20);
    await busy;
    await expect(queued).rejects.toMatchObject({ code: 'AUTHORITY_LOST' });
    expect(seen).toHaveLength(1);
  });

  test('waiting for a handshake while the event loop blocks past the deadline never leave', async () => {
    const { client, seen } = await given();
    const waiting = client.under(authority(100).held).update(ConfigMap, OBJECT);
    waiting.catch(() => {});
    // The request is on its way to a socket, and no event of one has come in yet.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    blockEventLoop(200);
    await expect(waiting).rejects.toMatchObject({ code: 'AUTHORITY_LOST' });
    expect(seen).toHaveLength(0);
  });

  test('that only waited for a socket are sent with the shorter timeout that is left', async () => {
    const slow = (_: IncomingMessage, response: ServerResponse) =>
      setTimeout(() => json(200, OBJECT)(_, response), 300);
    const { client, seen } = await given(slow, 1);
    const { held } = authority(2000);
    await Promise.all([
      client.unfenced().update(ConfigMap, OBJECT),
      client.under(held).update(ConfigMap, OBJECT),
    ]);
    const timeout = Number(seen[1]?.url.searchParams.get('timeout')?.replace('ms', ''));
    expect(timeout).toBeLessThanOrEqual(1700);
  });

  test('whose answer was lost are told to the right, with the time in which they may still take effect', async () => {
    const { client } = await given((request) => request.socket.destroy());
    const { held, unsettled } = authority(2000);
    await expect(client.under(held).update(ConfigMap, OBJECT)).rejects.toMatchObject({
      code: 'REQUEST_FAILED',
      sent: true,
    });
    expect(unsettled).toHaveLength(1);
    expect(unsettled[0]).toBeGreaterThan(1000);
    expect(unsettled[0]).toBeLessThan(2000);
  });
});

describe('errors', () => {
  test('of the server carry its reason and code, and the wait it asks for', async () => {
    const status = { kind: 'Status', code: 409, reason: 'Conflict', message: 'the object has been modified' };
    const { client } = await given(json(409, status, { 'retry-after': '2' }));
    const error = await client
      .unfenced()
      .update(ConfigMap, OBJECT)
      .catch((caught: unknown) => caught);
    expect(isConflict(error)).toBe(true);
    expect(isNotFound(error)).toBe(false);
    expect(error).toMatchObject({ statusCode: 409, reason: 'Conflict', retryAfter: 2000 });
    expect((error as Error).message).toBe(
      'PUT /api/v1/namespaces/default/configmaps/one: the object has been modified (409 Conflict)',
    );
  });

  test('that are plain text, as for an unknown group, are errors all the same', async () => {
    const { client } = await given((_, response) => response.writeHead(404).end('404 page not found\n'));
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({
      statusCode: 404,
      message: expect.stringContaining('404 page not found'),
    });
  });

  test('of the network say where and why', async () => {
    const { connection } = await given();
    const client = new Client(
      new Connection({
        server: 'http://127.0.0.1:1',
        credentials: { current: async () => ({ headers: {}, tls: {} }) },
      }),
    );
    await connection.close();
    await expect(client.get(ConfigMap, KEY)).rejects.toThrow(/127\.0\.0\.1:1: nothing listens there/);
  });

  test('a request that is not answered is given up after its timeout', async () => {
    const { client } = await given(() => {});
    await expect(client.get(ConfigMap, KEY, { timeout: 50 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
      sent: true,
    });
  });

  test('a key without a name or namespace is refused before anything is sent', async () => {
    const { client, seen } = await given();
    expect(() => client.get(ConfigMap, { name: 'x' })).toThrow(/a namespace is needed/);
    expect(() => client.get(ConfigMap, { namespace: 'x', name: '' })).toThrow(/a name is needed/);
    expect(seen).toHaveLength(0);
  });
});

describe('connections', () => {
  /** A server that accepts, and never says a word: a TLS handshake with it hangs. */
  async function givenSilence(options: { maxSockets: number; connectTimeout?: number }) {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => sockets.add(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connection = new Connection({
      server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { current: async () => ({ headers: {}, tls: {} }) },
      ...options,
    });
    cleanups.push(
      () => new Promise((resolve) => (sockets.forEach((socket) => socket.destroy()), server.close(resolve))),
      () => connection.close(),
    );
    return { client: new Client(connection), sockets };
  }

  test('whose handshake hangs keep no request longer than its timeout, or its signal', async () => {
    const { client } = await givenSilence({ maxSockets: 1 });
    const from = performance.now();
    // The first waits for the handshake, the second for the first.
    await expect(client.get(ConfigMap, KEY, { timeout: 50 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
      sent: false,
      message: expect.stringContaining('no free connection to'),
    });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const aborted = client.get(ConfigMap, KEY, { signal: abort.signal });
    await expect(aborted).rejects.toMatchObject({ code: 'REQUEST_ABORTED', sent: false });
    expect(performance.now() - from).toBeLessThan(5000);
  });

  test('whose handshake hangs are replaced after the connect timeout', async () => {
    const { client, sockets } = await givenSilence({ maxSockets: 1, connectTimeout: 50 });
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({ code: 'REQUEST_FAILED', sent: false });
    expect(sockets.size).toBe(2);
  });

  test('that come into being after a request was given up do not send it', async () => {
    const slow = (_: IncomingMessage, response: ServerResponse) =>
      setTimeout(() => json(200, OBJECT)(_, response), 100);
    const { client, seen } = await given(slow, 1);
    const { held, unsettled } = authority(2000);
    const abort = new AbortController();
    const busy = client.get(ConfigMap, KEY);
    const queued = client.under(held).update(ConfigMap, OBJECT, { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(queued).rejects.toMatchObject({ code: 'REQUEST_ABORTED', sent: false });
    await busy;
    await client.get(ConfigMap, KEY);
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET']);
    expect(unsettled).toEqual([]);
  });

  test('are kept open: requests one after another share one or two sockets', async () => {
    const { client, sockets } = await given();
    for (let turn = 0; turn < 20; turn++) await client.get(ConfigMap, KEY);
    expect(sockets()).toBeLessThanOrEqual(2);
  });

  test('credentials are asked for again after a 401', async () => {
    const { connection } = await given((request, response) =>
      json(request.headers.authorization === 'Bearer new' ? 200 : 401, { kind: 'Status', code: 401 })(
        request,
        response,
      ),
    );
    let token = 'old';
    const client = new Client(
      new Connection({
        server: connection.server,
        credentials: { current: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: {} }) },
      }),
    );
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({ statusCode: 401 });
    token = 'new';
    await expect(client.get(ConfigMap, KEY)).resolves.toBeDefined();
  });
});

describe('a watch', () => {
  const event = (type: string, resourceVersion: string) =>
    `${JSON.stringify({ type, object: { ...OBJECT, metadata: { ...OBJECT.metadata, resourceVersion } } })}\n`;

  test('gives events as they come, whatever the chunks, and ends with the stream', async () => {
    const { client, seen } = await given((_, response) => {
      const text = event('ADDED', '2') + event('MODIFIED', '3') + event('BOOKMARK', '9');
      response.write(text.slice(0, 40));
      setTimeout(() => response.end(text.slice(40)), 10);
    });
    const versions: string[] = [];
    for await (const received of client.watch(ConfigMap, { namespace: 'default', resourceVersion: '1' })) {
      versions.push(
        received.type === 'BOOKMARK'
          ? received.resourceVersion
          : `${received.type} ${received.object.metadata.resourceVersion}`,
      );
    }
    expect(versions).toEqual(['ADDED 2', 'MODIFIED 3', '9']);
    expect(seen[0]?.url.searchParams.get('allowWatchBookmarks')).toBe('true');
    expect(seen[0]?.url.searchParams.has('timeout')).toBe(false);
  });

  test('throws an ERROR event as the error it is', async () => {
    const { client } = await given((_, response) =>
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } })}\n`,
      ),
    );
    const iterator = client.watch(ConfigMap, { resourceVersion: '1' })[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toMatchObject({ statusCode: 410, reason: 'Expired' });
  });

  test('over which nothing comes is given up after its idle timeout', async () => {
    const { client } = await given((_, response) => response.writeHead(200).flushHeaders());
    const iterator = client.watch(ConfigMap, { idleTimeout: 50 })[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toThrow(/nothing came for 50 ms/);
  });

  test('ends when its signal aborts, also before the answer began', async () => {
    const { client } = await given(() => {});
    const abort = new AbortController();
    const next = client.watch(ConfigMap, { signal: abort.signal })[Symbol.asyncIterator]().next();
    setTimeout(() => abort.abort(), 20);
    await expect(next).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
  });

  test('half an event at the end of a cut stream is dropped', async () => {
    const { client } = await given((_, response) => {
      response.write(event('ADDED', '2') + event('ADDED', '3').slice(0, 30));
      setTimeout(() => response.destroy(), 20);
    });
    const received: unknown[] = [];
    const reading = (async () => {
      for await (const each of client.watch(ConfigMap)) received.push(each);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'REQUEST_FAILED' });
    expect(received).toHaveLength(1);
  });
});
