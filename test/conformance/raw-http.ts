/** The thinnest of clients: what goes over the wire is what the claim wrote, and what came back is shown as it came. */
import type { Access } from '@incumbent/testing';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export interface RawRequest {
  /** A string is sent as it is, everything else as JSON. */
  readonly body?: Json | object | string;
  /** @defaultValue `application/json` with a body */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Parsed where it is JSON, else `{}`. */
  readonly body: JsonObject;
  readonly text: string;
}

export interface WatchedEvent {
  readonly type: string;
  readonly object: JsonObject;
}

/** How long a claim waits for something that should come at once. */
const PATIENCE = 8000;

export class RawHttp {
  readonly #access: Access;
  readonly #agent: http.Agent;

  constructor(access: Access) {
    this.#access = access;
    const { ca, clientCertificate } = access;
    const tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
    };
    this.#agent = access.url.startsWith('https:')
      ? new https.Agent({ keepAlive: true, ...tls })
      : new http.Agent({ keepAlive: true });
  }

  async call(method: string, path: string, request: RawRequest = {}): Promise<RawAnswer> {
    const response = await this.#send(method, path, request, AbortSignal.timeout(PATIENCE));
    const content = await text(response);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: parse(content),
      text: content,
    };
  }

  /** The watch's events until there are `count` of them, or until the server ends it. */
  async watch(path: string, count = Infinity): Promise<readonly WatchedEvent[]> {
    const watch = await this.openWatch(path);
    try {
      return await watch.next(count);
    } finally {
      watch.close();
    }
  }

  async openWatch(path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawWatch> {
    return new RawWatch(await this.#send('GET', path, { headers }));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(
    method: string,
    path: string,
    request: RawRequest,
    signal?: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const { body, contentType = 'application/json', headers } = request;
    const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const secure = this.#access.url.startsWith('https:');
    const outgoing = (secure ? https : http).request(`${this.#access.url}${path}`, {
      method,
      agent: this.#agent,
      ...(signal && { signal }),
      headers: {
        ...(this.#access.token === undefined ? {} : { authorization: `Bearer ${this.#access.token}` }),
        // The length is said because Node would send a DELETE's body without any framing.
        ...(content === undefined
          ? {}
          : { 'content-type': contentType, 'content-length': Buffer.byteLength(content) }),
        ...headers,
      },
    });
    // Once the answer has begun, whoever reads it is told.
    outgoing.on('error', () => {});
    outgoing.end(content);
    const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    return response;
  }
}

export class RawWatch {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly #response: http.IncomingMessage;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = '';
  #over = false;

  constructor(response: http.IncomingMessage) {
    // Closing a watch that the server has ended is no error.
    response.on('error', () => {});
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.#response = response;
    this.#chunks = (response as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The next `count` events, fewer if the server ends the watch first. Rejects if neither happens soon. */
  async next(count: number): Promise<readonly WatchedEvent[]> {
    const deadline = setTimeout(() => this.close(), PATIENCE);
    const events: WatchedEvent[] = [];
    try {
      while (events.length < count) {
        const event = await this.#event();
        if (!event) break;
        events.push(event);
      }
      return events;
    } catch {
      throw new Error(`the watch gave ${events.length} of ${count} events: ${JSON.stringify(events)}`);
    } finally {
      clearTimeout(deadline);
    }
  }

  close(): void {
    this.#response.destroy();
  }

  async #event(): Promise<WatchedEvent | undefined> {
    while (!this.#rest.includes('\n') && !this.#over) {
      const { done, value } = await this.#chunks.next();
      this.#over = done === true;
      if (!this.#over) this.#rest += value.toString();
    }
    const [line = '', ...more] = this.#rest.split('\n');
    this.#rest = more.join('\n');
    return line === '' ? undefined : (JSON.parse(line) as WatchedEvent);
  }
}

function parse(content: string): JsonObject {
  try {
    return JSON.parse(content) as JsonObject;
  } catch {
    return {};
  }
}
