import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { LinkedAbort } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { IncumbentError, isIncumbentError } from '../kit/error.js';
import type { Authority } from '../leadership/authority.js';
import { RequestError } from '../api/errors.js';
import { atSocket } from './at-socket.js';
import { explainNetworkError } from './network-error.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server's own path, starting with a slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the whole answer must be there; for a stream, its head. */
  readonly timeout: number;
  /** The answer is open-ended: no server-side timeout is asked for, and the client's ends with the head. */
  readonly stream?: boolean;
  /** The right under which this is sent: tested now, and again in the tick in which the request is written to a socket. */
  readonly authority?: Authority | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** The whole body. Within the request's timeout. */
  text(): Promise<string>;
}

export interface Route {
  readonly dispatcher: Dispatcher;
  readonly server: URL;
  readonly clock: Clock;
  /** Aborts when the connection is closed. */
  readonly closing: AbortSignal;
}

/** Thrown at the socket: the request waited so long for it that its server-side timeout would outlast the right. Nothing was sent. */
class WaitedTooLong extends IncumbentError {
  constructor() {
    super('WAITED_TOO_LONG', 'The request waited too long for a socket.');
  }
}

/** Sends one request over a route, afresh with a shorter timeout for as long as it only waited for a socket. */
export async function exchange(request: HttpRequest, route: Route): Promise<HttpResponse> {
  const deadline = route.clock.monotonic() + request.timeout;
  for (;;) {
    try {
      const timeout = Math.max(deadline - route.clock.monotonic(), 0);
      return await new Attempt({ ...request, timeout }, route).run();
    } catch (error) {
      if (!isIncumbentError(error, 'WAITED_TOO_LONG')) throw error;
    }
  }
}

class Attempt {
  readonly #request: HttpRequest;
  readonly #route: Route;
  readonly #timeout: number;
  readonly #abort: LinkedAbort;
  #stopTimer: () => void = () => {};
  #sent = false;
  /** To be called when a write was answered: until then it may take effect. */
  #settle: () => void = () => {};
  #refusal: IncumbentError | undefined;

  constructor(request: HttpRequest, route: Route) {
    request.authority?.assertHeld();
    this.#request = request;
    this.#route = route;
    this.#timeout = request.authority
      ? Math.min(request.timeout, budget(request.authority.remaining()))
      : request.timeout;
    this.#abort = new LinkedAbort(request.signal, route.closing);
  }

  async run(): Promise<HttpResponse> {
    this.#stopTimer = this.#route.clock.schedule(this.#timeout, () => this.#abort.abort(TIMED_OUT));
    try {
      const { statusCode, headers, body } = await this.#dispatch();
      // A server that gave up waiting for itself does not know either.
      if (statusCode !== GATEWAY_TIMEOUT) this.#settle();
      if (this.#request.stream && statusCode === 200) this.#finish(false);
      return {
        status: statusCode,
        headers,
        body: this.#request.stream ? this.#guarded(body) : body,
        text: () => this.#text(body),
      };
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** undici hears of an abort only once it has a socket for the request: until then we end the wait ourselves. */
  #dispatch(): Promise<Dispatcher.ResponseData> {
    const { method, headers = {}, body = null } = this.#request;
    const { dispatcher, server } = this.#route;
    const { signal } = this.#abort;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      dispatcher
        .compose(atSocket(() => this.#beforeSending()))
        .request({ origin: server.origin, path: this.#path(), method, headers, body, signal })
        .then(resolve, reject);
    });
  }

  #path(): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(this.#request.query ?? {}))
      if (value !== undefined) query.set(name, value);
    // The server gives up with us, so that no write of ours takes effect much later than we know of.
    if (!this.#request.stream) query.set('timeout', `${Math.max(Math.floor(this.#timeout), 1)}ms`);
    const base = this.#route.server.pathname.replace(/\/$/, '');
    return query.size > 0
      ? `${base}${this.#request.path}?${query.toString()}`
      : `${base}${this.#request.path}`;
  }

  /** Runs in the tick that writes to the socket: no wait in a pool and no blocked event loop lies between this test and the write. */
  #beforeSending(): void {
    const { authority } = this.#request;
    this.#abort.signal.throwIfAborted();
    try {
      authority?.assertHeld();
      if (authority && authority.remaining() < this.#timeout) throw new WaitedTooLong();
    } catch (error) {
      if (isIncumbentError(error)) this.#refusal = error;
      throw error;
    }
    this.#sent = true;
    if (this.#request.method !== 'GET')
      this.#settle = authority?.mayStillCommit(this.#timeout) ?? this.#settle;
  }

  async #text(body: Dispatcher.ResponseData['body']): Promise<string> {
    try {
      const text = await body.text();
      this.#finish(true);
      return text;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async *#guarded(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of body) yield chunk;
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#finish(true);
    }
  }

  #failed(error: unknown): IncumbentError {
    this.#finish(true);
    if (this.#refusal) return this.#refusal;
    return this.#lostMeanwhile() ?? this.#explain(error);
  }

  /** What was not sent while the right ran out is told as that, whatever timer fired first. */
  #lostMeanwhile(): IncumbentError | undefined {
    if (this.#sent) return undefined;
    try {
      this.#request.authority?.assertHeld();
      return undefined;
    } catch (error) {
      return isIncumbentError(error) ? error : undefined;
    }
  }

  #explain(error: unknown): RequestError {
    const name = `${this.#request.method} ${this.#request.path}`;
    const { server, closing } = this.#route;
    const { signal } = this.#abort;
    if (signal.aborted && signal.reason === TIMED_OUT) {
      return new RequestError(
        'REQUEST_TIMEOUT',
        `${name}: no ${this.#sent ? 'answer from' : 'free connection to'} ${server.host} within ${Math.round(this.#timeout)} ms.`,
        this.#sent,
      );
    }
    if (closing.aborted) return RequestError.closed(name, this.#sent);
    if (signal.aborted) return RequestError.aborted(name, this.#sent, signal.reason);
    return new RequestError('REQUEST_FAILED', `${name}: ${explainNetworkError(error, server)}`, this.#sent, {
      cause: error,
    });
  }

  /** `whole`: the request is over. Otherwise just its timer is: a stream stays bound to the caller's signal. */
  #finish(whole: boolean): void {
    this.#stopTimer();
    if (whole) this.#abort[Symbol.dispose]();
  }
}

const GATEWAY_TIMEOUT = 504;
const TIMED_OUT = Symbol('timed out');

/** Leaves room for a short wait for a socket within what remains of a right. */
function budget(remaining: number): number {
  return remaining - Math.min(remaining / 10, 500);
}
