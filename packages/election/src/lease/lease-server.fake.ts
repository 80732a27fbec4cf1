import {
  ApiError,
  type Clock,
  type Draft,
  type Lease,
  RequestError,
  type WatchEvent,
} from '@incumbent/core/client';
import type { AttemptOptions, LeasePort } from './lease-port.js';
import { fingerprintOf } from './lease-record.js';

export type Request = {
  readonly verb: 'get' | 'create' | 'update' | 'watch';
  readonly body?: Lease | Draft<Lease>;
};
/** What happens to one request: it is lost on its way, or its answer is, or it is answered with this error. */
export type Fault = 'lost' | 'answer lost' | Error;

export interface Write {
  readonly by: string;
  readonly at: number;
  readonly lease: Lease;
}

/** One Lease in memory, as an API server keeps it. Each port has latency and faults of its own. */
export class FakeLeaseServer {
  lease: Lease | undefined;
  readonly writes: Write[] = [];
  #version = 100;
  #uid = 0;
  #changes: WatchEvent<Lease>[] = [];
  readonly #watchers = new Set<() => void>();
  readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  port(by: string): FakeLeasePort {
    return new FakeLeasePort(this, by);
  }

  /** Counts on from an older version, as after a restore of etcd. */
  rewind(version: number): void {
    this.#version = version;
  }

  put(lease: Lease, by = 'hand'): Lease {
    const stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } };
    return this.#commit('MODIFIED', stored, by);
  }

  create(draft: Draft<Lease>, by = 'hand'): Lease {
    const metadata = {
      ...draft.metadata,
      uid: `uid-${++this.#uid}`,
      resourceVersion: String(++this.#version),
    } as Lease['metadata'];
    return this.#commit(
      'ADDED',
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...draft, metadata },
      by,
    );
  }

  delete(): void {
    const gone = this.lease;
    this.lease = undefined;
    if (gone)
      this.#publish({
        type: 'DELETED',
        object: { ...gone, metadata: { ...gone.metadata, resourceVersion: String(++this.#version) } },
      });
  }

  update(lease: Lease, by: string): Lease {
    const { uid, resourceVersion } = lease.metadata;
    if (!this.lease && uid) throw apiError(409, 'Conflict');
    if (this.lease && uid === this.lease.metadata.uid && isSame(lease, this.lease)) return this.lease;
    if (
      this.lease &&
      (uid !== this.lease.metadata.uid || resourceVersion !== this.lease.metadata.resourceVersion)
    )
      throw apiError(409, 'Conflict');
    return this.put(lease, by);
  }

  createNew(draft: Draft<Lease>, by: string): Lease {
    if (this.lease) throw apiError(409, 'AlreadyExists');
    return this.create(draft, by);
  }

  /** Events after `version`, or the present state and then events, for as long as `next` is awaited. */
  async *watch(version: string | undefined, signal: AbortSignal): AsyncGenerator<WatchEvent<Lease>> {
    if (version === undefined && this.lease) yield { type: 'ADDED', object: this.lease };
    let from =
      version === undefined
        ? this.#changes.length
        : this.#changes.findLastIndex((event) => versionOf(event) <= Number(version)) + 1;
    while (!signal.aborted) {
      for (; from < this.#changes.length; from++) yield this.#changes[from] as WatchEvent<Lease>;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#watchers.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#watchers.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
    throw new RequestError('REQUEST_ABORTED', 'WATCH: aborted', true);
  }

  #commit(type: 'ADDED' | 'MODIFIED', lease: Lease, by: string): Lease {
    this.lease = lease;
    this.writes.push({ by, at: this.clock.monotonic(), lease });
    this.#publish({ type, object: lease });
    return lease;
  }

  #publish(event: WatchEvent<Lease>): void {
    this.#changes.push(event);
    for (const wake of Array.from(this.#watchers)) wake();
  }
}

/** A replica's way to the server. */
export class FakeLeasePort implements LeasePort {
  /** Milliseconds each way. */
  latency = 1;
  /** Decides the fate of each request; undefined: it goes through. */
  fault: (request: Request) => Fault | undefined = () => undefined;
  readonly requests: Request[] = [];
  readonly #server: FakeLeaseServer;
  readonly #by: string;

  constructor(server: FakeLeaseServer, by: string) {
    this.#server = server;
    this.#by = by;
  }

  get(options: AttemptOptions): Promise<Lease | undefined> {
    return this.#send({ verb: 'get' }, options, () => this.#server.lease);
  }

  create(body: Draft<Lease>, options: AttemptOptions): Promise<Lease> {
    return this.#send({ verb: 'create', body }, options, () => this.#server.createNew(body, this.#by));
  }

  update(body: Lease, options: AttemptOptions): Promise<Lease> {
    return this.#send({ verb: 'update', body }, options, () => this.#server.update(body, this.#by));
  }

  async *watch(resourceVersion: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    this.requests.push({ verb: 'watch' });
    await this.#sleep(this.latency, signal);
    const fault = this.fault({ verb: 'watch' });
    if (fault instanceof Error) throw fault;
    for await (const event of this.#server.watch(resourceVersion, signal)) {
      await this.#sleep(this.latency, signal);
      if (signal.aborted) return;
      if (this.fault({ verb: 'watch' }) === undefined) yield event;
    }
  }

  async close(): Promise<void> {}

  async #send<T>(request: Request, { timeout, signal }: AttemptOptions, act: () => T): Promise<T> {
    this.requests.push(request);
    const fault = this.fault(request);
    const deadline = this.#server.clock.monotonic() + timeout;
    await this.#sleep(this.latency, signal);
    if (fault === 'lost') return this.#noAnswer(deadline, signal);
    if (fault instanceof Error) throw fault;
    const answer = act();
    if (fault === 'answer lost') return this.#noAnswer(deadline, signal);
    if (this.#server.clock.monotonic() + this.latency > deadline) return this.#noAnswer(deadline, signal);
    await this.#sleep(this.latency, signal);
    if (signal?.aborted) throw new RequestError('REQUEST_ABORTED', 'aborted', true);
    return answer;
  }

  async #noAnswer(deadline: number, signal: AbortSignal | undefined): Promise<never> {
    await this.#sleep(deadline - this.#server.clock.monotonic(), signal);
    throw new RequestError(signal?.aborted ? 'REQUEST_ABORTED' : 'REQUEST_TIMEOUT', 'no answer', true);
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#server.clock.schedule(ms, resolve);
      signal?.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
}

/** A PUT that would change nothing succeeds and stores nothing, whatever version it names. */
function isSame(a: Lease, b: Lease): boolean {
  const labelled = ({ metadata: { labels = {}, annotations = {} } }: Lease): string =>
    JSON.stringify([labels, annotations]);
  return fingerprintOf(a) === fingerprintOf(b) && labelled(a) === labelled(b);
}

export function apiError(statusCode: number, reason: string, retryAfter?: number): ApiError {
  return new ApiError('Lease', statusCode, { reason, message: reason, code: statusCode }, retryAfter);
}

function versionOf(event: WatchEvent<Lease>): number {
  return Number(event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion);
}
