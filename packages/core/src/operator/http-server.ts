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

export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

/** Serves a few pages by plain HTTP: health and metrics. */
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

  async #page({ method, url = '/' }: http.IncomingMessage): Promise<Page> {
    const path = url.split('?')[0] ?? url;
    const page = Object.hasOwn(this.#pages, path) ? this.#pages[path] : undefined;
    if (!page) return { status: 404, body: `Nothing here. Try ${Object.keys(this.#pages).join(', ')}.\n` };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'GET only.\n' };
    try {
      return await page();
    } catch (error) {
      return { status: 500, body: `${messageOf(error)}\n` };
    }
  }
}

function cannotListen(error: unknown, port: number, host = 'all addresses'): IncumbentError {
  const reason = codeOf(error) === 'EADDRINUSE' ? 'the port is taken' : messageOf(error);
  return new IncumbentError(
    'HTTP_LISTEN',
    `Health and metrics can't be served at port ${port} of ${host}: ${reason}. Give another by \`http: { port }\`, or none by \`http: false\`.`,
    { cause: error },
  );
}
