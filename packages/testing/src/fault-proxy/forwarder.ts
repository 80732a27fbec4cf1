/** The HTTP half of the proxy: takes requests in plain HTTP/1.1, lets the faults strike, and passes them on to the target. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { peelToken } from '../api-server/kubeconfig.js';
import type { Access } from '../control-plane/access.js';
import type { ActiveFaults } from './active-faults.js';
import type { RequestVerdict, SeenRequest } from './fault.js';
import { reset } from './reset.js';
import { type TlsSessions, Upstream } from './upstream.js';
import { copyWatch } from './watch-copy.js';

/** They speak of one connection only, and each side of the proxy has its own. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export class Forwarder {
  readonly #target: Access;
  readonly #faults: ActiveFaults;
  readonly #server: http.Server;
  readonly #upstreams = new WeakMap<Socket, Upstream>();
  readonly #sessions: TlsSessions = {};

  constructor(target: Access, faults: ActiveFaults) {
    this.#target = target;
    this.#faults = faults;
    this.#server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
    this.#server.on('request', (request, response) => void this.#handle(request, response));
  }

  /** Resolves with the loopback port. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    // Both are told by the exchange's end.
    request.on('error', () => {});
    response.on('error', () => {});
    const upstream = this.#upstreamOf(request.socket);
    const release = upstream.hold(response);
    try {
      await this.#exchange(request, response, upstream);
    } catch {
      // The target failed or went away: the client's connection breaks, as it would without a proxy.
      reset(request.socket);
    } finally {
      release();
    }
  }

  async #exchange(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    upstream: Upstream,
  ): Promise<void> {
    const { url, headers } = unfold(request);
    const seen = describe(request.method, url);
    const verdict = await this.#beforeRequest(seen);
    if (verdict) return carryOut(verdict, request, response);
    const answer = await upstream.send(request, url, headers);
    if (this.#faults.some((fault) => fault.interceptsResponse(seen))) {
      const content = Buffer.concat(await answer.toArray());
      const late = await this.#afterResponse(seen);
      if (late) return carryOut(late, request, response);
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer)).end(content);
      return;
    }
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer));
    response.flushHeaders();
    await (seen.isWatch && answer.statusCode === 200
      ? copyWatch(seen, answer, response, this.#faults)
      : pipeline(answer, response));
  }

  async #beforeRequest(seen: SeenRequest): Promise<RequestVerdict | undefined> {
    for (const { fault, lifted } of this.#faults.all()) {
      const verdict = await fault.onRequest(seen, lifted);
      if (verdict) return verdict;
    }
    return undefined;
  }

  async #afterResponse(seen: SeenRequest): Promise<RequestVerdict | undefined> {
    for (const { fault, lifted } of this.#faults.all()) {
      const verdict = fault.interceptsResponse(seen) ? await fault.onResponse(seen, lifted) : undefined;
      if (verdict) return verdict;
    }
    return undefined;
  }

  #upstreamOf(client: Socket): Upstream {
    const known = this.#upstreams.get(client);
    if (known) return known;
    const upstream = new Upstream(this.#target, client, this.#sessions);
    this.#upstreams.set(client, upstream);
    return upstream;
  }
}

function carryOut(
  verdict: RequestVerdict,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  request.resume();
  if (verdict.do === 'reset') reset(request.socket);
  if (verdict.do === 'answer') response.writeHead(verdict.status, verdict.headers).end(verdict.body);
}

/** What the client meant: a token in front of the path is the user's, and goes on as a header. */
function unfold(request: http.IncomingMessage): { readonly url: string; readonly headers: string[] } {
  const { url = '/', headers } = request;
  const peeled = peelToken(url);
  // Node frames a body of unknown length by itself for some methods only.
  const framing = headers['transfer-encoding'] === undefined ? [] : ['transfer-encoding', 'chunked'];
  const kept = [...endToEnd(request), ...framing];
  if (!peeled) return { url, headers: kept };
  const token = headers.authorization === undefined ? ['authorization', `Bearer ${peeled.token}`] : [];
  return { url: peeled.url, headers: [...kept, ...token] };
}

function describe(method: string | undefined, url: string): SeenRequest {
  const watch = new URL(url, 'http://any').searchParams.get('watch');
  // The API server takes any word but these for a yes.
  const isWatch = method === 'GET' && watch !== null && !['0', 'false'].includes(watch.toLowerCase());
  return { method: method ?? 'GET', path: url, isWatch };
}

/** Names and values in turn, as they came, without those of the connection. */
function endToEnd({ rawHeaders }: http.IncomingMessage): string[] {
  return rawHeaders.filter(
    (_, index) => !hopByHop.has((rawHeaders[index - (index % 2)] ?? '').toLowerCase()),
  );
}
