/** The target's side of one client connection: one connection of its own, which ends when the client's ends, and the other way round. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Access } from '../control-plane/access.js';
import { tlsOptions } from '../control-plane/request.js';

/** What a handshake with the target may be cut short with: each client connection costs the target one, and clients in trouble open many. */
export interface TlsSessions {
  last?: Buffer;
}

export class Upstream {
  readonly #url: URL;
  readonly #agent: http.Agent;
  readonly #client: Socket;
  readonly #sessions: TlsSessions;
  readonly #known = new WeakSet<Socket>();
  #busy = 0;
  #targetClosed = false;

  constructor(target: Access, client: Socket, sessions: TlsSessions) {
    this.#url = new URL(target.url);
    this.#client = client;
    this.#sessions = sessions;
    const options = { keepAlive: true, maxSockets: 1, noDelay: true };
    this.#agent =
      this.#url.protocol === 'https:'
        ? new https.Agent({ ...options, ...tlsOptions(target) })
        : new http.Agent(options);
    client.once('close', () => this.#agent.destroy());
  }

  /** As long as `response` is under way, the client's connection is not closed behind it. Returns what ends that. */
  hold(response: http.ServerResponse): () => void {
    this.#busy += 1;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#busy -= 1;
      this.#closeIfOver();
    };
    response.once('close', release);
    return () => {
      if (response.writableFinished || response.destroyed) release();
    };
  }

  /** Passes `request` on to this path with these headers; resolves with the answer's head. */
  async send(
    request: http.IncomingMessage,
    path: string,
    headers: readonly string[],
  ): Promise<http.IncomingMessage> {
    const secure = this.#url.protocol === 'https:';
    const call = (secure ? https : http).request(this.#url, {
      agent: this.#agent,
      method: request.method,
      path: `${this.#url.pathname.replace(/\/$/, '')}${path}`,
      headers: [...headers],
      ...(secure && this.#sessions.last ? { session: this.#sessions.last } : {}),
    });
    call.on('socket', (socket) => this.#follow(socket));
    call.on('error', () => {});
    const abandon = (): void => void call.destroy();
    this.#client.once('close', abandon);
    call.once('close', () => this.#client.off('close', abandon));
    request.pipe(call);
    const [answer] = (await once(call, 'response')) as [http.IncomingMessage];
    return answer;
  }

  #follow(socket: Socket): void {
    if (this.#known.has(socket)) return;
    this.#known.add(socket);
    socket.on('session', (session: Buffer) => {
      this.#sessions.last = session;
    });
    socket.once('close', () => {
      this.#targetClosed = true;
      this.#closeIfOver();
    });
  }

  #closeIfOver(): void {
    if (this.#targetClosed && this.#busy === 0) this.#client.destroySoon();
  }
}
