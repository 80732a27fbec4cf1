import {
  type Authority,
  Client,
  type Connection,
  type DeleteOptions,
  type Draft,
  type GetOptions,
  IncumbentError,
  Lease,
  LinkedAbort,
  type List,
  type ListOptions,
  type Logger,
  type ObjectKey,
  type Random,
  Reflector,
  type ReflectorEvent,
  type SelectorOptions,
  type WriteOptions,
  type Writer,
  formatKey,
  keyOf,
  systemRandom,
} from '@incumbent/core/client';
import { Gathering } from './gathering.js';
import { type TypedLease, typedLease, wireLease } from './typed-lease.js';

/**
 * What a watch over leases brings: `replaced` first, with all there is, and again after each interruption too long to be bridged;
 * `applied` and `deleted` as they happen; `failed` when a request failed and will be repeated.
 */
export type LeaseEvent =
  | { readonly type: 'replaced'; readonly items: readonly TypedLease[]; readonly resourceVersion: string }
  | { readonly type: 'applied' | 'deleted'; readonly object: TypedLease }
  | Extract<ReflectorEvent<Lease>, { readonly type: 'failed' }>;

export interface LeaseWatchOptions extends SelectorOptions {
  /** Just the Lease with this name. */
  readonly name?: string;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

export interface LeasesOptions {
  readonly random?: Random;
  readonly log?: Logger;
}

/**
 * The leases of a cluster: reads, and watches that resume by themselves. Writes are asked for as with a client: {@link under} a
 * term, or {@link unfenced}.
 *
 * To hold a lease, use an elector or a lock: this is for looking at them, and for leases that mean something of your own.
 * Errors: `ApiError` for the server's answers, `RequestError` when none came.
 */
export class Leases {
  protected readonly connection: Connection;
  readonly #client: Client;
  readonly #options: LeasesOptions;

  constructor(connection: Connection, options: LeasesOptions = {}) {
    this.connection = connection;
    this.#client = new Client(connection);
    this.#options = options;
  }

  /** Writes are sent only while `authority` is held. */
  under(authority: Authority): WritableLeases {
    return new WritableLeases(this.connection, this.#client.under(authority), this.#options);
  }

  /** Writes that nothing holds back. They are still conditional: see {@link WritableLeases.update}. */
  unfenced(): WritableLeases {
    return new WritableLeases(this.connection, this.#client.unfenced(), this.#options);
  }

  async get(key: ObjectKey, options?: GetOptions): Promise<TypedLease> {
    return typedLease(await this.#client.get(Lease, key, options));
  }

  /** Those in `options.namespace`, or without one those of the whole cluster. */
  async list(options?: ListOptions): Promise<List<TypedLease>> {
    const list = await this.#client.list(Lease, options);
    return { ...list, items: list.items.map(typedLease) };
  }

  /**
   * One Lease (`namespace` and `name`), those of a namespace, or those of the cluster: what there is, then every change, until
   * `signal` aborts or the loop is left. Never throws: failures are events, and are retried. Needs `list` and `watch`, for one
   * Lease too.
   *
   * Events wait in memory for a slow reader; a new `replaced` drops those before it.
   */
  async *watch({ name, signal, ...selector }: LeaseWatchOptions = {}): AsyncGenerator<LeaseEvent> {
    using abort = new LinkedAbort(signal);
    const inbox = new Inbox();
    const reflector = new Reflector({
      resource: Lease,
      reader: this.#client,
      clock: this.connection.clock,
      random: this.#options.random ?? systemRandom,
      selector: name === undefined ? selector : { ...selector, fieldSelector: named(name, selector) },
      log: this.#options.log,
    });
    const running = reflector.run(abort.signal, (event) => inbox.put(event)).then(() => inbox.close());
    try {
      yield* inbox.events();
    } finally {
      abort.abort();
      await running;
    }
  }
}

/** Got from {@link Leases.under} and {@link Leases.unfenced}. */
export class WritableLeases extends Leases {
  readonly #writer: Writer;

  constructor(connection: Connection, writer: Writer, options: LeasesOptions = {}) {
    super(connection, options);
    this.#writer = writer;
  }

  async create(lease: Draft<TypedLease>, options?: WriteOptions): Promise<TypedLease> {
    return typedLease(await this.#writer.create(Lease, wireLease(lease), options));
  }

  /**
   * Replaces the Lease if it is still the one that was read: 409 when it has changed or was deleted meanwhile. Labels and fields
   * of others survive where `lease` is what was read, with changes.
   *
   * @throws {@link IncumbentError} `LEASE_UNCONDITIONAL` without uid and resourceVersion: such a write would bring a deleted Lease back
   */
  async update(lease: TypedLease, options?: WriteOptions): Promise<TypedLease> {
    if (!lease.metadata.uid || !lease.metadata.resourceVersion)
      throw new IncumbentError(
        'LEASE_UNCONDITIONAL',
        `Lease ${formatKey(keyOf(lease))}: an update needs the uid and resourceVersion of the Lease that was read.`,
      );
    return typedLease(await this.#writer.update(Lease, wireLease(lease), options));
  }

  /** `options.preconditions` make it a 409 unless the Lease is still the one that was read. */
  async delete(key: ObjectKey, options?: DeleteOptions): Promise<void> {
    await this.#writer.delete(Lease, key, options);
  }
}

function named(name: string, { fieldSelector }: SelectorOptions): string {
  return [`metadata.name=${name}`, fieldSelector].filter(Boolean).join(',');
}

/** From a listener to an async iteration. */
class Inbox {
  #events: LeaseEvent[] = [];
  readonly #gathering = new Gathering<TypedLease, Lease>((object) => typedLease(object.whole()));
  #closed = false;
  #wake: (() => void) | undefined;

  put(event: ReflectorEvent<Lease>): void {
    const told: LeaseEvent | undefined = this.#gathering.take(event);
    if (!told) return;
    if (told.type === 'replaced') this.#events = [told];
    else this.#events.push(told);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async *events(): AsyncGenerator<LeaseEvent> {
    while (!this.#closed) {
      for (let event = this.#events.shift(); event && !this.#closed; event = this.#events.shift())
        yield event;
      if (!this.#closed && this.#events.length === 0) await this.#news();
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
