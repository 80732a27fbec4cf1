import { isDeepStrictEqual } from 'node:util';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import type { Identification } from './credentials.js';

/**
 * Milliseconds for which an idle socket is kept: above the rhythm of renewals (5 s, 20 s at most), which would pay a handshake each time;
 * below the 60 s after which load balancers forget it and the 90 s after which the API server ends it.
 */
const KEEP_ALIVE = 30_000;

export interface SocketsOptions {
  readonly proxy: string | undefined;
  readonly maxSockets: number;
  /** Milliseconds for TCP and TLS. */
  readonly connectTimeout: number;
}

/** The open sockets to one server, apart for requests and for streams; made anew when the client certificate is another. */
export class Sockets {
  readonly #options: SocketsOptions;
  #pools: Pools | undefined;
  /** Those of earlier certificates whose requests have not ended yet. */
  readonly #leaving = new Set<Dispatcher>();

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  for(identification: Identification, stream: boolean): Dispatcher {
    this.#pools = this.#poolsFor(identification);
    return stream ? this.#pools.streams : this.#pools.requests;
  }

  /** Ends all. What is under way fails. */
  async destroy(): Promise<void> {
    const current = this.#pools ? [this.#pools.requests, this.#pools.streams] : [];
    this.#pools = undefined;
    await Promise.all([...current, ...this.#leaving].map((pool) => pool.destroy()));
  }

  #poolsFor(identification: Identification): Pools {
    if (this.#pools?.identification === identification) return this.#pools;
    const { tls } = identification;
    if (this.#pools && isDeepStrictEqual(this.#pools.identification.tls, tls))
      return { ...this.#pools, identification };
    // A rotated client certificate needs new handshakes; what runs on the old sockets may end there.
    if (this.#pools) this.#letGo(this.#pools);
    return {
      identification,
      requests: this.#pool(tls, this.#options.maxSockets),
      streams: this.#pool(tls, null),
    };
  }

  #letGo({ requests, streams }: Pools): void {
    for (const pool of [requests, streams]) {
      this.#leaving.add(pool);
      void pool.close().finally(() => this.#leaving.delete(pool));
    }
  }

  #pool(tls: Identification['tls'], connections: number | null): Dispatcher {
    // HTTP/1.1: an aborted request takes its socket with it, so the next attempt never meets the same dead one.
    const options = {
      connections,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE,
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    // The kernel asks an idle peer after 10 s, then each second: a socket that died in silence is gone after 20 s.
    const connect = {
      ...tls,
      timeout: this.#options.connectTimeout,
      keepAlive: true,
      keepAliveInitialDelay: 10_000,
    };
    if (this.#options.proxy)
      return new ProxyAgent({ ...options, uri: this.#options.proxy, requestTls: connect });
    return new Agent({ ...options, connect });
  }
}

interface Pools {
  readonly identification: Identification;
  readonly requests: Dispatcher;
  readonly streams: Dispatcher;
}
