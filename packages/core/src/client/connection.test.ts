import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { ConfigMap } from '../api/built-in.js';
import { isConflict, isNotFound } from '../api/errors.js';
import { AuthorityLostError } from '../leadership/authority.js';
import { Client } from './client.js';
import { Connection } from './connection.js';
import { KEY, OBJECT, afterwards, authority, given, json, listening } from './given-server.fake.js';

function blockEventLoop(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** How many are left once the other side has been heard. */
async function openSockets(server: Server): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
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
    const { client, seen } = await given(slow, { maxSockets: 1 });
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
    const { client, seen } = await given(slow, { maxSockets: 1 });
    const { held } = authority(2000);
    await Promise.all([
      client.unfenced().update(ConfigMap, OBJECT),
      client.under(held).update(ConfigMap, OBJECT),
    ]);
    const timeout = Number(seen[1]?.url.searchParams.get('timeout')?.replace('ms', ''));
    expect(timeout).toBeLessThanOrEqual(1700);
  });

  test('are told to the right in the moment in which they are sent, and again when they are answered', async () => {
    const { held, unsettled } = authority(2000);
    const whileAsked: number[] = [];
    const { client } = await given((request, response) => {
      whileAsked.push(...unsettled);
      json(request.method === 'POST' ? 504 : 409, { kind: 'Status' })(request, response);
    });
    const writer = client.under(held);
    await expect(writer.update(ConfigMap, OBJECT)).rejects.toMatchObject({ statusCode: 409 });
    expect([whileAsked.length, unsettled.length]).toEqual([1, 0]);
    await writer.get(ConfigMap, KEY).catch(() => {});
    expect(whileAsked).toHaveLength(1);
    // Who gave up waiting does not know what became of it.
    await writer.create(ConfigMap, { metadata: { ...KEY } }).catch(() => {});
    expect(unsettled).toHaveLength(1);
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
    let sockets = 0;
    const server = createTcpServer(() => (sockets += 1));
    const connection = new Connection({
      server: await listening(server, 'https'),
      credentials: { current: async () => ({ headers: {}, tls: {} }) },
      ...options,
    });
    afterwards(() => connection.close());
    return { client: new Client(connection.sibling(options)), sockets: () => sockets };
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
    expect(sockets()).toBe(2);
  });

  test('that come into being after a request was given up do not send it', async () => {
    const slow = (_: IncomingMessage, response: ServerResponse) =>
      setTimeout(() => json(200, OBJECT)(_, response), 100);
    const { client, seen } = await given(slow, { maxSockets: 1 });
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

  test('that the server ended while idle cost a GET nothing', async () => {
    let answered = 0;
    const { client, server, sockets } = await given((request, response) => {
      answered += 1;
      if (answered === 2) return request.socket.resetAndDestroy();
      return json(200, OBJECT)(request, response);
    });
    server.keepAliveTimeout = 60_000;
    await client.get(ConfigMap, KEY);
    await expect(client.get(ConfigMap, KEY)).resolves.toBeDefined();
    expect(answered).toBe(3);
    expect(sockets()).toBe(2);
  });

  test('an answer whose body trickles in is given up after the timeout of the whole', async () => {
    const { client } = await given((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    });
    await expect(client.get(ConfigMap, KEY, { timeout: 100 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
      sent: true,
    });
  });

  test('a handshake that is never answered is given up after the timeout, and nothing was sent', async () => {
    const silent = createTcpServer();
    const url = await listening(silent, 'https');
    const connection = new Connection({
      server: url,
      credentials: { current: async () => ({ headers: {}, tls: {} }) },
    });
    afterwards(() => connection.close());
    const writing = new Client(connection).unfenced().update(ConfigMap, OBJECT, { timeout: 100 });
    await expect(writing).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT', sent: false });
  });

  test('a request that waits for a socket is given up after its timeout, and never sent', async () => {
    const { client, seen } = await given(() => {}, { maxSockets: 1 });
    const abort = new AbortController();
    const busy = client.get(ConfigMap, KEY, { signal: abort.signal });
    const queued = client.unfenced().update(ConfigMap, OBJECT, { timeout: 50 });
    await expect(queued).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT', sent: false });
    abort.abort();
    await expect(busy).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    await client.get(ConfigMap, KEY, { timeout: 50 }).catch(() => {});
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  test('after an attempt that got no connection the next one tries another', async () => {
    const silent = createTcpServer();
    let sockets = 0;
    silent.on('connection', () => sockets++);
    const url = await listening(silent, 'https');
    const connection = new Connection({
      server: url,
      credentials: { current: async () => ({ headers: {}, tls: {} }) },
    }).sibling();
    afterwards(() => connection.close());
    for (let attempt = 0; attempt < 3; attempt++)
      await new Client(connection).get(ConfigMap, KEY, { timeout: 50 }).catch(() => {});
    expect(sockets).toBe(3);
  });

  test('credentials that are slow to come are given up after the timeout', async () => {
    const { client, seen } = await given(undefined, {
      credentials: { current: () => new Promise(() => {}) },
    });
    await expect(client.get(ConfigMap, KEY, { timeout: 50 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
      sent: false,
    });
    expect(seen).toHaveLength(0);
  });

  test('once closed, fail what is under way and what comes, and leave no socket and no listener', async () => {
    const abort = new AbortController();
    const { connection, client, server } = await given((_, response) => {
      if (_.url?.includes('watch=1')) response.writeHead(200).flushHeaders();
    });
    const failures = [
      client.get(ConfigMap, KEY, { signal: abort.signal }),
      client.unfenced().update(ConfigMap, OBJECT),
      client.watch(ConfigMap)[Symbol.asyncIterator]().next(),
    ].map((request) => request.catch((error: unknown) => error));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await connection.close();
    for (const failure of await Promise.all(failures))
      expect(failure).toMatchObject({
        code: 'CONNECTION_CLOSED',
        sent: true,
        message: expect.stringContaining('the connection was closed by close() before the answer came'),
      });
    await expect(client.get(ConfigMap, KEY)).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
      sent: false,
    });
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    await expect(openSockets(server)).resolves.toBe(0);
    await expect(connection.close()).resolves.toBeUndefined();
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
