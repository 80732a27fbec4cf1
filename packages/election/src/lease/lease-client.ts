import {
  Client,
  type Connection,
  type Draft,
  Lease,
  type WatchEvent,
  isNotFound,
} from '@incumbent/core/client';
import type { AttemptOptions, RemovableLeasePort } from './lease-port.js';

/** Seconds after which the server ends a watch: below the idle limits of load balancers, above what would count as polling. */
const WATCH_SECONDS = 220;
/** Bookmarks come about once a minute. */
const WATCH_IDLE = 90_000;
/** Attempts. A handshake that is merely slow may end after its attempt, and serves the next. */
const PATIENCE = 3;
/** More than can hang in a handshake at one time: each attempt gets a socket, also when the network is well again and the old ones are not. */
const MAX_SOCKETS = 10;

/**
 * A {@link LeasePort} over a connection of its own: a renewal never waits behind other requests.
 * What an elector needs of its one Lease; {@link Leases} is for everything else.
 */
export class LeaseClient implements RemovableLeasePort {
  readonly #open: () => Connection;
  #connection: Connection;
  #client: Client;
  readonly #patience: number;
  readonly #key: { readonly namespace: string; readonly name: string };

  /** `attemptTimeout`: the longest time, in milliseconds, that the elector gives one attempt. */
  constructor(
    connection: Connection,
    key: { readonly namespace: string; readonly name: string },
    attemptTimeout: number,
  ) {
    this.#patience = PATIENCE * attemptTimeout;
    this.#open = () => connection.sibling({ maxSockets: MAX_SOCKETS, connectTimeout: this.#patience });
    this.#connection = this.#open();
    this.#client = this.#clientOf(this.#connection);
    this.#key = key;
  }

  async get(options: AttemptOptions): Promise<Lease | undefined> {
    try {
      return await this.#client.get(Lease, this.#key, options);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  create(lease: Draft<Lease>, options: AttemptOptions): Promise<Lease> {
    return this.#client.unfenced().create(Lease, lease, options);
  }

  update(lease: Lease, options: AttemptOptions): Promise<Lease> {
    return this.#client.unfenced().update(Lease, lease, options);
  }

  async delete(lease: Lease, options: AttemptOptions): Promise<void> {
    const { uid, resourceVersion } = lease.metadata;
    await this.#client
      .unfenced()
      .delete(Lease, this.#key, { preconditions: { uid, resourceVersion }, ...options });
  }

  watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    return this.#client.watch(Lease, {
      namespace: this.#key.namespace,
      fieldSelector: `metadata.name=${this.#key.name}`,
      timeoutSeconds: WATCH_SECONDS,
      idleTimeout: WATCH_IDLE,
      signal,
      ...(resourceVersion ? { resourceVersion } : {}),
    });
  }

  /** Ends all sockets. May be used again, and is then to be closed again: a lock tidies up after its elector has ended. */
  async close(): Promise<void> {
    const connection = this.#connection;
    // Opens no socket before the next request.
    this.#connection = this.#open();
    this.#client = this.#clientOf(this.#connection);
    await connection.close();
  }

  /** The timeout is that of a watch's head: attempts have their own. */
  #clientOf(connection: Connection): Client {
    return new Client(connection, { timeout: this.#patience });
  }
}
