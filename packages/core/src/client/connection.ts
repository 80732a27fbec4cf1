/** The way to one API server: who we are there, open sockets, and requests that keep to deadlines and to the right they are sent under. */
import { isDeepStrictEqual } from 'node:util';
import { RequestError } from '../api/errors.js';
import { type Clock, systemClock } from '../kit/clock.js';
import { type Random, systemRandom } from '../kit/random.js';
import { Call, type Caller, type Patience } from './call.js';
import { CongestionWindow } from './congestion-window.js';
import type { Credentials, Identification } from './credentials.js';
import { type HttpRequest, type HttpResponse, exchange } from './exchange.js';
import { RateLimit, type RateLimitOptions } from './rate-limit.js';
import { Sockets } from './sockets.js';
import { type Observers, Telemetry } from './telemetry.js';

export interface ConnectionOptions {
  /** Address of the API server, with a path where it lives below one. */
  readonly server: string | URL;
  readonly credentials: Credentials;
  /** Namespace of the kubeconfig's context, or of the pod. @defaultValue `'default'` */
  readonly namespace?: string;
  /** Proxy between us and the server. */
  readonly proxy?: string | undefined;
  /** Sent as `User-Agent`; audit logs and `managedFields` show it. @defaultValue `'incumbent'` */
  readonly userAgent?: string;
  /** Sockets for requests at one time; watches have their own beside them. @defaultValue 16 */
  readonly maxSockets?: number;
  /** Milliseconds until a socket whose handshake does not end, TLS included, is replaced by another. @defaultValue 5000 */
  readonly connectTimeout?: number;
  /**
   * A limit that always holds.
   *
   * @defaultValue none: the server's Priority and Fairness divides what it has, and a connection to which it says 429 slows down by itself
   */
  readonly rateLimit?: RateLimitOptions;
  /** @defaultValue the system's */
  readonly clock?: Clock;
  /** @defaultValue the system's */
  readonly random?: Random;
}

/** Credentials are asked for again after so many milliseconds. Tokens that the kubelet rotates stay valid for minutes. */
const IDENTIFICATION_TTL = 10_000;
/** Nor more often while there are none: a command that fails would be started for each request. */
const FAILURE_TTL = 1000;
/** As many as keep a real API server busy; more wait here instead of there. */
const MAX_SOCKETS = 16;
/** Room for two repeats of a lost SYN, which come after 1 s and 3 s. */
const CONNECT_TIMEOUT = 5000;

export class Connection {
  readonly server: URL;
  readonly namespace: string;
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #sockets: Sockets;
  readonly #closing = new AbortController();
  #caller: Caller;
  #identity: Identity | undefined;

  constructor(options: ConnectionOptions) {
    const { maxSockets = MAX_SOCKETS, connectTimeout = CONNECT_TIMEOUT } = options;
    const { clock = systemClock, random = systemRandom } = options;
    this.#options = options;
    this.server = new URL(options.server);
    this.namespace = options.namespace ?? 'default';
    this.clock = clock;
    this.#sockets = new Sockets({ proxy: options.proxy, maxSockets, connectTimeout });
    const telemetry = new Telemetry(this.server.host, clock);
    this.#caller = {
      clock,
      random,
      telemetry,
      closing: this.#closing.signal,
      patience: patience(maxSockets, options.rateLimit, telemetry),
      identify: () => this.#identify(),
      replace: (rejected) => this.#replace(rejected),
      exchange: (request, identification) => this.#exchange(request, identification),
    };
  }

  /**
   * A connection to the same server with sockets of its own, for requests that must not wait behind others: they are neither held back
   * nor sent again, since whoever asks for this has a rhythm of his own. Told of where this one is; to be closed by itself.
   */
  sibling(
    options: Pick<ConnectionOptions, 'maxSockets' | 'connectTimeout' | 'userAgent' | 'clock'> = {},
  ): Connection {
    const sibling = new Connection({ ...this.#options, ...options });
    sibling.#caller = { ...sibling.#caller, telemetry: this.#caller.telemetry, patience: undefined };
    return sibling;
  }

  /** From now on requests are counted there, by client-go's names (`rest_client_requests_total` and others), and slowing down is logged. */
  observe(observers: Observers): void {
    this.#caller.telemetry.observe(observers);
  }

  /**
   * Sends one request and resolves with the head of the answer, whatever its status.
   *
   * Sent again, within its timeout and right, where that is safe: after 429 with Retry-After; after a failure before it was sent; and a
   * GET also after 5xx with Retry-After, or when the connection was cut before an answer. After 401 once, if the credentials have changed.
   *
   * @throws {@link RequestError} when no answer came, {@link AuthorityLostError} when the request's authority is lost: nothing was sent
   */
  send(request: HttpRequest): Promise<HttpResponse> {
    const { method, path } = request;
    if (this.#closing.signal.aborted) return Promise.reject(RequestError.closed(`${method} ${path}`, false));
    return new Call(request, this.#caller).run();
  }

  /** Ends all sockets. Requests under way, and those to come, fail with `CONNECTION_CLOSED`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#sockets.destroy();
  }

  #exchange(request: HttpRequest, identification: Identification): Promise<HttpResponse> {
    const headers = {
      'user-agent': this.#options.userAgent ?? 'incumbent',
      accept: 'application/json',
      ...identification.headers,
      ...request.headers,
    };
    const { server, clock } = this;
    const dispatcher = this.#sockets.for(identification, request.stream === true);
    return exchange({ ...request, headers }, { dispatcher, server, clock, closing: this.#closing.signal });
  }

  #identify(): Identification | Promise<Identification> {
    const now = this.clock.monotonic();
    const known = this.#identity;
    if (known && now - known.at < known.ttl) return known.value ?? known.asked;
    const identity: Identity = {
      asked: this.#options.credentials.current(),
      at: now,
      ttl: IDENTIFICATION_TTL,
      value: undefined,
    };
    this.#identity = identity;
    identity.asked.then(
      (value) => (identity.value = value),
      () => Object.assign(identity, { at: this.clock.monotonic(), ttl: FAILURE_TTL }),
    );
    return identity.asked;
  }

  /** Many requests may hear of it at once: the first one asks. */
  async #replace(rejected: Identification): Promise<boolean> {
    if (this.#identity?.value === rejected) {
      this.#options.credentials.rejected?.();
      this.#identity = undefined;
    }
    return !isDeepStrictEqual(await this.#identify(), rejected);
  }
}

/** Who we are, asked for at a time. */
interface Identity {
  readonly asked: Promise<Identification>;
  readonly at: number;
  readonly ttl: number;
  value: Identification | undefined;
}

function patience(
  maxSockets: number,
  rateLimit: RateLimitOptions | undefined,
  telemetry: Telemetry,
): Patience {
  const window = new CongestionWindow(maxSockets, (size) => telemetry.congested(size));
  return { window, rate: rateLimit && new RateLimit(rateLimit) };
}
