import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { CertificateAuthority } from '../control-plane/certificates.js';
import { blackHole, halfOpen, latency, refuseConnections } from './connection-faults.js';
import { FaultProxy } from './fault-proxy.js';
import { delayRequests, loseRequests, serverError, tooManyRequests } from './request-faults.js';
import { delayResponses, loseResponses } from './response-faults.js';
import { startTarget, type Target } from './target.fake.js';
import { cutWatches, delayWatchEvents } from './watch-faults.js';

let target: Target;
let proxy: FaultProxy;
let agent: http.Agent;

beforeEach(async () => {
  target = await startTarget();
  proxy = await FaultProxy.start({ target: target.url });
  agent = new http.Agent({ keepAlive: true });
});

afterEach(async () => {
  agent.destroy();
  await proxy.stop();
  await target.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function call(
  path: string,
  options: http.RequestOptions & { body?: string; via?: string } = {},
): Promise<Answer> {
  const { body, via = proxy.url, ...rest } = options;
  const request = http.request(`${via}${path}`, { agent, ...rest });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

class Watch {
  received = '';
  /** How it ended: undefined as long as it has not, '' if the server ended it in order. */
  ending: string | undefined;
  readonly request: http.ClientRequest;

  constructor(via: string) {
    this.request = http.get(`${via}/things?watch=1`);
    this.request.on('error', (error) => (this.ending ??= error.message));
    this.request.on('response', (response) => {
      response.on('data', (chunk: Buffer) => (this.received += chunk.toString()));
      response.on('end', () => (this.ending ??= ''));
      response.on('error', (error) => (this.ending ??= error.message));
    });
  }

  static async open(via = proxy.url): Promise<Watch> {
    const watch = new Watch(via);
    await once(watch.request, 'response');
    return watch;
  }
}

/** Polls: what it waits for takes a few turns of real sockets. */
async function until(condition: () => boolean): Promise<true> {
  const deadline = performance.now() + 3000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return true;
}

/** Long enough for a byte to make its way through the proxy, if it was on its way. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

describe('a proxy without a fault', () => {
  test('passes method, path, query, headers and body on, and status, headers and body back', async () => {
    const answer = await call('/a?b=c%20d', { method: 'PATCH', body: 'content', headers: { 'x-mine': '1' } });
    expect(answer.status).toBe(201);
    expect(answer.headers['x-of-target']).toBe('yes');
    expect(JSON.parse(answer.body)).toMatchObject({
      method: 'PATCH',
      path: '/a?b=c%20d',
      body: 'content',
      headers: { 'x-mine': '1', host: new URL(proxy.url).host },
    });
  });

  test('passes bodies larger than any buffer', async () => {
    const body = 'x'.repeat(6_000_000);
    const answer = await call('/', { method: 'POST', body });
    expect((JSON.parse(answer.body) as { body: string }).body).toHaveLength(body.length);
  });

  test('passes bodies of unknown length, whatever the method', async () => {
    for (const method of ['POST', 'DELETE']) {
      const answer = await call('/', {
        method,
        body: 'content',
        headers: { 'transfer-encoding': 'chunked' },
      });
      expect(JSON.parse(answer.body)).toMatchObject({ method, body: 'content' });
    }
  });

  test('serves many requests on one connection, and through one connection to the target', async () => {
    for (let index = 0; index < 5; index += 1) await call('/');
    expect(proxy.connections).toBe(1);
    expect(target.sockets.size).toBe(1);
  });

  test('closes the client’s idle connection when the target closes its own', async () => {
    await call('/');
    target.sockets.forEach((socket) => socket.destroy());
    await until(() => proxy.connections === 0);
    expect((await call('/')).status).toBe(201);
  });

  test('ends a watch at the target when its client goes away', async () => {
    const watch = await Watch.open();
    watch.request.destroy();
    expect(await until(() => target.sockets.size === 0)).toBe(true);
  });

  test('passes the end of a watch on as an end in order', async () => {
    const watch = await Watch.open();
    target.emit('one');
    target.endWatches();
    await until(() => watch.ending === '');
    expect(watch.received).toBe('one\n');
  });

  test('breaks the client’s connection when the target breaks off in the middle of an answer', async () => {
    await expect(call('/break')).rejects.toThrow('aborted');
  });

  test('resets connections while the target is down', async () => {
    const down = await startTarget();
    await down.stop();
    const other = await FaultProxy.start({ target: down.url });
    await expect(call('/', { via: other.url })).rejects.toMatchObject({ code: 'ECONNRESET' });
    await other.stop();
  });
});

describe('faults of connections', () => {
  test('latency makes a round trip late by its length in each direction, and ends when lifted', async () => {
    await call('/');
    const fault = latency(60);
    const lift = proxy.use(fault);
    const start = performance.now();
    await call('/');
    expect(performance.now() - start).toBeGreaterThanOrEqual(119);
    expect(fault.strikes).toBeGreaterThanOrEqual(2);
    await lift();
    const strikes = fault.strikes;
    await call('/');
    expect(fault.strikes).toBe(strikes);
  });

  test('latency in one direction spares the other', async () => {
    await call('/');
    proxy.use(latency(5000, { direction: 'server-to-client' }));
    const answer = call('/late', { signal: AbortSignal.timeout(500) });
    await until(() => target.seen.includes('GET /late'));
    await expect(answer).rejects.toThrow('aborted');
  });

  test('cut resets every open connection, and new ones work at once', async () => {
    const watch = await Watch.open();
    expect(proxy.cut()).toBe(1);
    await until(() => watch.ending !== undefined);
    expect(watch.ending).not.toBe('');
    expect((await call('/')).status).toBe(201);
  });

  test('new connections are refused while open ones live on, and are accepted again when that is lifted', async () => {
    const watch = await Watch.open();
    const lift = proxy.use(refuseConnections());
    await expect(call('/', { agent: false })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    target.emit('still here');
    await until(() => watch.received === 'still here\n');
    await lift();
    expect((await call('/', { agent: false })).status).toBe(201);
    await lift();
    watch.request.destroy();
  });

  test('a half-open connection is accepted and never answered, not even when the fault is lifted', async () => {
    const fault = halfOpen();
    const lift = proxy.use(fault);
    const waiting = call('/first', { agent: false, signal: AbortSignal.timeout(150) });
    await until(() => fault.strikes === 1);
    await lift();
    expect((await call('/second')).status).toBe(201);
    await expect(waiting).rejects.toThrow('aborted');
    expect(target.seen).toEqual(['GET /second']);
  });

  test('a black hole towards the server keeps requests back while events still arrive, and lets them go when lifted', async () => {
    const watch = await Watch.open();
    await call('/');
    const lift = proxy.use(blackHole('client-to-server'));
    const answer = call('/held');
    target.emit('event');
    await until(() => watch.received === 'event\n');
    expect(target.seen).not.toContain('GET /held');
    await lift();
    expect((await answer).status).toBe(201);
    watch.request.destroy();
  });

  test('a black hole towards the client lets requests be applied, and their answers arrive when it is lifted', async () => {
    const fault = blackHole('server-to-client');
    const lift = proxy.use(fault);
    let answered = false;
    const answer = call('/applied', { method: 'PUT' }).finally(() => (answered = true));
    await until(() => target.seen.includes('PUT /applied') && fault.strikes > 0);
    await aWhile();
    expect(answered).toBe(false);
    await lift();
    expect((await answer).status).toBe(201);
  });

  test('what a black hole keeps back is bounded, and none of it is lost', async () => {
    const body = 'x'.repeat(20_000_000);
    const lift = proxy.use(blackHole('client-to-server'));
    const answer = call('/', { method: 'POST', body });
    await aWhile();
    await lift();
    expect((JSON.parse((await answer).body) as { body: string }).body).toHaveLength(body.length);
  });
});

describe('faults of requests', () => {
  test('429 answers carry Retry-After, strike only what matches, and are not passed on', async () => {
    const fault = tooManyRequests({ retryAfter: 7, matching: { method: ['PUT', 'POST'], path: '/apis/' } });
    const lift = proxy.use(fault);
    const refused = await call('/apis/x', { method: 'PUT', body: '{}' });
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('7');
    expect(JSON.parse(refused.body)).toMatchObject({ kind: 'Status', reason: 'TooManyRequests', code: 429 });
    expect((await call('/apis/x')).status).toBe(201);
    expect((await call('/api/x', { method: 'PUT' })).status).toBe(201);
    expect(target.seen).toEqual(['GET /apis/x', 'PUT /api/x']);
    await lift();
    expect((await call('/apis/x', { method: 'PUT' })).status).toBe(201);
    expect(fault.strikes).toBe(1);
  });

  test('server errors carry a Status, and strike as often as they are told to', async () => {
    const fault = serverError({ status: 503, times: 2, matching: (request) => request.path.endsWith('/x') });
    proxy.use(fault);
    const statuses = [];
    for (const path of ['/x', '/y', '/x', '/x']) statuses.push((await call(path)).status);
    expect(statuses).toEqual([503, 201, 503, 201]);
    expect(fault.strikes).toBe(2);
  });

  test('of two faults that match, the one that was in use first decides', async () => {
    proxy.use(tooManyRequests());
    proxy.use(serverError());
    expect((await call('/')).status).toBe(429);
  });

  test('lost requests never reach the server, and the client sees a reset or silence', async () => {
    proxy.use(loseRequests({ times: 1 }));
    await expect(call('/one')).rejects.toMatchObject({ code: 'ECONNRESET' });
    proxy.use(loseRequests({ times: 1, seenAs: 'silence' }));
    await expect(call('/two', { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      code: 'ABORT_ERR',
    });
    expect(target.seen).toEqual([]);
  });

  test('a delayed request waits before the server until the fault is lifted', async () => {
    const fault = delayRequests({ matching: { path: /^\/slow\b/ } });
    const lift = proxy.use(fault);
    const answer = call('/slow', { agent: false });
    await until(() => fault.strikes === 1);
    expect((await call('/quick')).status).toBe(201);
    expect(target.seen).toEqual(['GET /quick']);
    await lift();
    expect((await answer).status).toBe(201);
  });
});

describe('faults of responses', () => {
  test('a lost response leaves the request applied and the client’s connection reset', async () => {
    const fault = loseResponses({ matching: { method: 'PUT' }, times: 1 });
    proxy.use(fault);
    await expect(call('/x', { method: 'PUT' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(target.seen).toEqual(['PUT /x']);
    expect((await call('/x', { method: 'PUT' })).status).toBe(201);
    expect(fault.strikes).toBe(1);
  });

  test('a delayed response leaves the request applied at once', async () => {
    const lift = proxy.use(delayResponses());
    const answer = call('/x', { method: 'PUT' });
    await until(() => target.seen.includes('PUT /x'));
    await lift();
    expect(JSON.parse((await answer).body)).toMatchObject({ method: 'PUT', path: '/x' });
  });

  test('watches are spared by them', async () => {
    proxy.use(loseResponses());
    const watch = await Watch.open();
    target.emit('event');
    expect(await until(() => watch.received === 'event\n')).toBe(true);
    watch.request.destroy();
  });
});

describe('faults of watches', () => {
  test('delayed events strike watches that are open already, and arrive in order when the fault is lifted', async () => {
    const watch = await Watch.open();
    const fault = delayWatchEvents();
    const lift = proxy.use(fault);
    target.emit('one');
    target.emit('two');
    await until(() => fault.strikes === 1);
    expect((await call('/')).status).toBe(201);
    expect(watch.received).toBe('');
    await lift();
    await until(() => watch.received === 'one\ntwo\n');
    watch.request.destroy();
  });

  test('a watch is cut in the middle of an event after as many as were told, and again after it was reopened', async () => {
    const fault = cutWatches({ afterEvents: 1 });
    proxy.use(fault);
    for (const round of [1, 2]) {
      const watch = await Watch.open();
      target.emit('whole');
      target.emit('{"half":true}');
      await until(() => watch.ending !== undefined);
      expect(watch.received).toBe('whole\n{"half"');
      expect(watch.ending).not.toBe('');
      expect(fault.strikes).toBe(round);
    }
  });

  test('a watch that is cut between events delivers only whole ones', async () => {
    proxy.use(cutWatches({ midLine: false, afterEvents: 1 }));
    const watch = await Watch.open();
    target.emit('whole');
    target.emit('never');
    await until(() => watch.ending !== undefined);
    expect(watch.received).toBe('whole\n');
  });

  test('a client that goes away while an event is held back does not disturb the proxy', async () => {
    const watch = await Watch.open();
    const fault = delayWatchEvents();
    const lift = proxy.use(fault);
    target.emit('one');
    await until(() => fault.strikes === 1);
    watch.request.destroy();
    await until(() => target.sockets.size === 0);
    await lift();
    expect((await call('/')).status).toBe(201);
  });
});

describe('a target with TLS', () => {
  const authority = new CertificateAuthority(new Date());
  const server = authority.forServer('target');
  const tls = { cert: server.certificate, key: server.key, ca: authority.certificate, requestCert: true };

  test('is spoken to by the proxy with its certificate, while clients speak plain HTTP', async () => {
    const secure = await startTarget(tls);
    const clientCertificate = authority.forClient({ commonName: 'jane', organizations: ['team'] });
    const front = await FaultProxy.start({
      target: { url: secure.url, ca: authority.certificate, clientCertificate },
    });
    const answer = await call('/', { via: front.url });
    expect(JSON.parse(answer.body)).toMatchObject({ user: 'jane' });
    await front.stop();
    await secure.stop();
  });

  test('is not trusted without its authority', async () => {
    const secure = await startTarget(tls);
    const front = await FaultProxy.start({ target: secure.url });
    await expect(call('/', { via: front.url })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(secure.seen).toEqual([]);
    await front.stop();
    await secure.stop();
  });
});

describe('a proxy at the TCP level', () => {
  test('passes bytes as they are, and knows the faults of connections only', async () => {
    const plain = await FaultProxy.start({ target: target.url, level: 'tcp' });
    expect(plain.url).toMatch(/^http:/);
    expect((await call('/', { via: plain.url })).status).toBe(201);
    expect(() => plain.use(serverError())).toThrow(expect.objectContaining({ code: 'FAULT_NEEDS_HTTP' }));
    const lift = plain.use(blackHole('server-to-client'));
    await expect(call('/', { via: plain.url, signal: AbortSignal.timeout(80) })).rejects.toThrow('aborted');
    await lift();
    await plain.stop();
  });
});

describe('stopping', () => {
  test('closes every connection and the port, whatever faults are in use, and may be repeated', async () => {
    const watch = await Watch.open();
    proxy.use(delayWatchEvents());
    proxy.use(blackHole('server-to-client'));
    proxy.use(latency(60_000));
    target.emit('event');
    const lift = proxy.use(refuseConnections());
    await proxy.stop();
    await proxy.stop();
    await lift();
    await until(() => target.sockets.size === 0 && watch.ending !== undefined && proxy.connections === 0);
    const socket = net.connect(Number(new URL(proxy.url).port), '127.0.0.1');
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a fault that is lifted as often as one likes can be used again, and goes on counting', async () => {
    const fault = serverError();
    for (const count of [1, 2]) {
      const lift = proxy.use(fault);
      expect((await call('/')).status).toBe(500);
      expect(fault.strikes).toBe(count);
      await lift();
      await lift();
      expect((await call('/')).status).toBe(201);
    }
  });
});

test('the kubeconfig leads through the proxy as the user of the target, and faults see the plain path', async () => {
  const front = await FaultProxy.start({ target: { url: target.url, token: 'secret' } });
  const config = JSON.parse(front.kubeconfig()) as {
    clusters: { cluster: { server: string } }[];
    users: { user: object }[];
  };
  expect(config.users[0]?.user).toEqual({ token: 'secret' });
  const server = config.clusters[0]?.cluster.server ?? '';
  const answer = await call('/api?x=1', { via: server });
  expect(JSON.parse(answer.body)).toMatchObject({
    path: '/api?x=1',
    headers: { authorization: 'Bearer secret' },
  });
  front.use(serverError({ matching: { path: '/api' } }));
  expect((await call('/api', { via: server })).status).toBe(500);
  await front.stop();
});
