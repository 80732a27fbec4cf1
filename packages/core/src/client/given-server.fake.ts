/** A small API server on the loopback address that notes each request and answers as told, and a connection to it. */
import { afterEach } from '@jest/globals';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { type Clock, systemClock } from '../kit/clock.js';
import { seededRandom } from '../kit/seeded-random.js';
import { type Authority, AuthorityLostError } from '../leadership/authority.js';
import { Client } from './client.js';
import { Connection, type ConnectionOptions } from './connection.js';

export const KEY = { namespace: 'default', name: 'one' };
export const OBJECT = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...KEY, uid: 'u', resourceVersion: '1', creationTimestamp: '' },
};

export interface Seen {
  readonly method: string | undefined;
  readonly url: URL;
  readonly at: number;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Runs after the test, the last one first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export async function given(
  answer: Answer | Answer[] = json(200, OBJECT),
  options: Partial<ConnectionOptions> = {},
) {
  const seen: Seen[] = [];
  let sockets = 0;
  // Of several answers each is given once, the last one for ever.
  const next = (): Answer => {
    if (!Array.isArray(answer)) return answer;
    return (answer.length > 1 ? answer.shift() : answer[0]) as Answer;
  };
  const server: Server = createServer((request, response) => {
    seen.push({ method: request.method, url: new URL(request.url ?? '', 'http://x'), at: performance.now() });
    const answering = next();
    request.resume().on('end', () => answering(request, response));
  });
  server.on('connection', () => sockets++);
  const url = await listening(server);
  const connection = new Connection({
    server: url,
    credentials: { current: async () => ({ headers: { authorization: 'Bearer t' }, tls: {} }) },
    random: seededRandom(1),
    ...options,
  });
  afterwards(() => connection.close());
  return { connection, client: new Client(connection), seen, server, sockets: () => sockets };
}

/** Listens until the test has ended. Returns where. */
export async function listening(server: TcpServer, scheme = 'http'): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** An error as the API server's. */
export function refusal(code: number, reason: string, headers: Record<string, string> = {}): Answer {
  return json(code, { kind: 'Status', status: 'Failure', code, reason, message: reason }, headers);
}

/** A right that ends `ms` milliseconds from now. */
export function authority(ms: number, clock: Clock = systemClock) {
  const end = clock.monotonic() + ms;
  const unsettled: number[] = [];
  const held: Authority = {
    signal: new AbortController().signal,
    remaining: () => end - clock.monotonic(),
    assertHeld() {
      if (end <= clock.monotonic()) throw new AuthorityLostError('lost');
    },
    mayStillCommit(left) {
      unsettled.push(left);
      return () => unsettled.splice(unsettled.indexOf(left), 1);
    },
  };
  return { held, unsettled };
}
