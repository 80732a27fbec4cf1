/** The way to one API server: who we are there, open sockets, and requests that keep to deadlines and to the right they are sent under. */
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { type Clock, systemClock } from '../kit/clock.js';
import type { Credentials, Identification } from './credentials.js';
import { type HttpRequest, type HttpResponse, exchange } from './exchange.js';

export interface ConnectionOptions {
  /** Address of the API server, with a path where it lives below one. */
  readonly server: string | URL;
  readonly credentials: Credentials;
  /** Namespace of the kubeconfig's context, or of the pod. @defaultValue `'default'` */
  readonly namespace?: string;
  /** HTTP proxy between us and the server. */
  readonly proxy?: string | undefined;
  /** Sent as `User-Agent`; audit logs and `managedFields` show it. @defaultValue `'incumbent'` */
  readonly userAgent?: string;
  /** Sockets for requests at one time; watches have their own beside them. @defaultValue 16 */
  readonly maxSockets?: number;
  /** Milliseconds until a socket whose handshake does not end, TLS included, is replaced by another. @defaultValue 10,000 */
  readonly connectTimeout?: number;
  /** @defaultValue the system's */
  readonly clock?: Clock;
}

/** Credentials are asked for again after so many milliseconds. Tokens that the kubelet rotates stay valid for minutes. */
const IDENTIFICATION_TTL = 10_000;
const CONNECT_TIMEOUT = 10_000;

export class Connection {
  readonly server: URL;
  readonly namespace: string;
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  #identification: { readonly value: Promise<Identification>; readonly at: number } | undefined;
  #pools: Pools | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.server = new URL(options.server);
    this.namespace = options.namespace ?? 'default';
    this.clock = options.clock ?? systemClock;
  }

  /** A connection to the same server with sockets of its own, for requests that must not wait behind others. */
  sibling(
    options: Pick<ConnectionOptions, 'maxSockets' | 'connectTimeout' | 'userAgent' | 'clock'> = {},
  ): Connection {
    return new Connection({ ...this.#options, ...options });
  }

  /**
   * Sends one request and resolves with the head of the answer, whatever its status.
   *
   * @throws {@link RequestError} when no answer came, {@link AuthorityLostError} when the request's authority is lost: nothing was sent
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const identification = await this.#identify();
    const dispatcher = this.#dispatcher(identification, request.stream === true);
    const headers = {
      'user-agent': this.#options.userAgent ?? 'incumbent',
      accept: 'application/json',
      ...identification.headers,
      ...request.headers,
    };
    const response = await exchange(
      { ...request, headers },
      { dispatcher, server: this.server, clock: this.clock },
    );
    if (response.status === 401) this.#identification = undefined;
    return response;
  }

  /** Ends all sockets. Requests under way fail. */
  async close(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.requests.destroy(), pools?.streams.destroy()]);
  }

  #identify(): Promise<Identification> {
    const now = this.clock.monotonic();
    if (!this.#identification || now - this.#identification.at >= IDENTIFICATION_TTL) {
      const value = this.#options.credentials.current();
      this.#identification = { value, at: now };
      value.catch(() => {
        if (this.#identification?.value === value) this.#identification = undefined;
      });
    }
    return this.#identification.value;
  }

  #dispatcher({ tls }: Identification, stream: boolean): Dispatcher {
    const fingerprint = fingerprintOf(tls);
    if (this.#pools?.fingerprint !== fingerprint) {
      // A rotated client certificate needs new handshakes; what runs on the old sockets may end there.
      void this.#pools?.requests.close();
      void this.#pools?.streams.close();
      this.#pools = {
        fingerprint,
        requests: this.#pool(tls, this.#options.maxSockets ?? 16),
        streams: this.#pool(tls, null),
      };
    }
    return stream ? this.#pools.streams : this.#pools.requests;
  }

  #pool(tls: Identification['tls'], connections: number | null): Dispatcher {
    // HTTP/1.1: an aborted request takes its socket with it, so the next attempt never meets the same dead one.
    const options = {
      connections,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: 4000,
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const timeout = this.#options.connectTimeout ?? CONNECT_TIMEOUT;
    const connect = { ...tls, timeout, keepAlive: true, keepAliveInitialDelay: 30_000 };
    if (this.#options.proxy)
      return new ProxyAgent({ ...options, uri: this.#options.proxy, requestTls: connect });
    return new Agent({ ...options, connect });
  }
}

interface Pools {
  readonly fingerprint: string;
  readonly requests: Dispatcher;
  readonly streams: Dispatcher;
}

function fingerprintOf(tls: Identification['tls']): string {
  return Object.entries(tls)
    .map(
      ([name, value]) =>
        `${name}=${Buffer.isBuffer(value) ? value.toString('base64') : JSON.stringify(value)}`,
    )
    .join('\n');
}
