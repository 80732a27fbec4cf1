/** A tiny server for the proxy's tests: it echoes, remembers what reached it, and lets the test feed its watches. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';

export interface Target {
  readonly url: string;
  /** `method path`, in the order of arrival. */
  readonly seen: string[];
  readonly sockets: Set<Socket>;
  /** Sends to every open watch. */
  emit(line: string): void;
  endWatches(): void;
  stop(): Promise<void>;
}

export async function startTarget(tls?: https.ServerOptions): Promise<Target> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const watches = new Set<http.ServerResponse>();
  const server = tls ? https.createServer(tls) : http.createServer();
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url?.includes('watch=')) openWatch(watches, response);
    else void echo(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    sockets,
    emit: (line) => watches.forEach((watch) => watch.write(`${line}\n`)),
    endWatches: () => watches.forEach((watch) => watch.end()),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function openWatch(watches: Set<http.ServerResponse>, response: http.ServerResponse): void {
  watches.add(response);
  response.once('close', () => watches.delete(response));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
}

async function echo(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url === '/break') {
    response.writeHead(200, { 'content-length': '100' }).write('half');
    setImmediate(() => request.socket.destroy());
    return;
  }
  const { socket } = request;
  const user =
    'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate().subject?.CN : undefined;
  const answer = { method: request.method, path: request.url, headers: request.headers, body, user };
  response
    .writeHead(201, { 'content-type': 'application/json', 'x-of-target': 'yes' })
    .end(JSON.stringify(answer));
}
