import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf, IncumbentError, messageOf } from '../kit/error.js';
import type { HttpOptions } from './options.js';

/** What a path answers. */
export interface Page {
  readonly status: number;
  readonly type?: string;
  readonly body: string;
}

/** What is asked for. A body is there with PUT, and at most {@link LONGEST_BODY} bytes long. */
export interface PageRequest {
  readonly body: string;
  /** Whether it comes from this machine or pod, as a forwarded port does. */
  readonly local: boolean;
}

export type Handler = (request: PageRequest) => Page | Promise<Page>;

/** By path, then by method. HEAD is answered as GET without the body. */
export type Pages = Readonly<Record<string, { readonly GET: Handler; readonly PUT?: Handler }>>;

const LONGEST_BODY = 1024;

/** Serves a few pages by plain HTTP: health, metrics, the log level. */
export class HttpServer {
  readonly #pages: Pages;
  readonly #server: http.Server;

  constructor(pages: Pages) {
    this.#pages = pages;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
  }

  get address(): AddressInfo | undefined {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address : undefined;
  }

  /** @throws {@link IncumbentError} `HTTP_LISTEN`, such as when the port is taken */
  listen({ port = 8080, host }: HttpOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(cannotListen(error, port, host)));
      this.#server.listen({ port, host }, resolve);
    });
  }

  /** Ends idle and running requests alike. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { status, type = 'text/plain; charset=utf-8', body } = await this.#page(request);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async #page(request: http.IncomingMessage): Promise<Page> {
    const { method, url = '/' } = request;
    const path = url.split('?')[0] ?? url;
    const page = Object.hasOwn(this.#pages, path) ? this.#pages[path] : undefined;
    if (!page) return { status: 404, body: `Nothing here. Try ${Object.keys(this.#pages).join(', ')}.\n` };
    const handler =
      method === 'PUT' ? page.PUT : method === 'GET' || method === 'HEAD' ? page.GET : undefined;
    if (!handler) return { status: 405, body: `${Object.keys(page).join(' or ')} only.\n` };
    try {
      const body = method === 'PUT' ? await bodyOf(request) : '';
      if (body === undefined) return { status: 413, body: `At most ${LONGEST_BODY} bytes.\n` };
      return await handler({ body, local: isLocal(request.socket.remoteAddress) });
    } catch (error) {
      return { status: 500, body: `${messageOf(error)}\n` };
    }
  }
}

/** `undefined` when it is too long. */
async function bodyOf(request: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isLocal(address = ''): boolean {
  return address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.');
}

function cannotListen(error: unknown, port: number, host = 'all addresses'): IncumbentError {
  const reason = codeOf(error) === 'EADDRINUSE' ? 'the port is taken' : messageOf(error);
  return new IncumbentError(
    'HTTP_LISTEN',
    `Health and metrics can't be served at port ${port} of ${host}: ${reason}. Give another by \`http: { port }\`, or none by \`http: false\`.`,
    { cause: error },
  );
}
