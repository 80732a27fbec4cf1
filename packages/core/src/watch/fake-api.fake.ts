/** An API server with one resource, in memory, that fails as told: a {@link StreamReader} for tests of what lies above it. */
import { ApiError, RequestError } from '../api/errors.js';
import { formatKey, type KubernetesObject, type ObjectMeta } from '../api/object.js';
import { type Resource, resource } from '../api/resource.js';
import { encode } from '../client/encoded-object.js';
import type { ListerWatcher, ListPart, StreamOptions, StreamReader } from '../client/lister-watcher.js';
import type { ListOptions, WatchEvent, WatchOptions } from '../client/reader.js';
import type { Clock } from '../kit/clock.js';
import { sleep } from '../kit/sleep.js';

export interface Widget extends KubernetesObject {
  spec: { value: number };
}

export const WIDGET: Resource<Widget> = resource<Widget>({
  group: 'test.incumbent.dev',
  version: 'v1',
  kind: 'Widget',
});

export type FakeRequest =
  | { readonly verb: 'list'; readonly options: ListOptions }
  | { readonly verb: 'watch'; readonly options: WatchOptions };

interface Snapshot {
  readonly version: number;
  readonly objects: ReadonlyMap<string, Widget>;
}

interface LoggedEvent {
  readonly version: number;
  readonly event: WatchEvent<Widget>;
}

type Delivery = WatchEvent<Widget> | Error | 'end';

/** What goes to one open watch. */
class Stream {
  #queue: Delivery[] = [];
  #wake: (() => void) | undefined;

  push(...deliveries: Delivery[]): void {
    this.#queue.push(...deliveries);
    this.#wake?.();
  }

  async next(): Promise<Delivery> {
    while (this.#queue.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#queue.shift() as Delivery;
  }
}

export class FakeApi implements StreamReader {
  readonly requests: FakeRequest[] = [];
  /** Thrown by the next requests, one each; `undefined` lets one pass. */
  readonly failures: { readonly list: (Error | undefined)[]; readonly watch: (Error | undefined)[] } = {
    list: [],
    watch: [],
  };
  /** Thrown by every request while it is set. */
  down: Error | undefined;
  /** Milliseconds from a list's snapshot to its answer. */
  latency = 0;
  /** Milliseconds until a watch that is asked for is open. */
  watchLatency = 0;
  /** The next list answers with the state before so many of the latest writes, as a replica that lags behind. */
  lag = 0;
  /** Whether a watch may begin with the state. */
  streams = true;
  /** The next list breaks off after so many items. */
  breakOff: number | undefined;
  /** An event at this version can't be parsed by anybody. */
  poison: number | undefined;
  readonly #clock: Clock;
  readonly #streams = new Set<Stream>();
  #snapshots: Snapshot[] = [{ version: 100, objects: new Map() }];
  #log: LoggedEvent[] = [];
  #compacted = 0;
  #uid = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get version(): number {
    return this.#now.version;
  }

  get openWatches(): number {
    return this.#streams.size;
  }

  get objects(): Widget[] {
    return [...this.#now.objects.values()].map(wire);
  }

  /** Creates or changes an object, as anybody's write. */
  put(key: string, value = 0, meta: Partial<ObjectMeta> = {}): Widget {
    const [namespace = '', name = ''] = key.split('/');
    const before = this.#now.objects.get(key);
    const metadata = {
      name,
      namespace,
      uid: before?.metadata.uid ?? `uid-${++this.#uid}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ manager: 'somebody' }],
      ...meta,
      resourceVersion: String(this.version + 1),
    };
    const object = { apiVersion: 'test.incumbent.dev/v1', kind: 'Widget', metadata, spec: { value } };
    this.#commit({ type: before ? 'MODIFIED' : 'ADDED', object });
    return wire(object);
  }

  delete(key: string): void {
    const before = this.#now.objects.get(key);
    if (!before) return;
    const metadata = { ...before.metadata, resourceVersion: String(this.version + 1) };
    this.#commit({ type: 'DELETED', object: { ...before, metadata } });
  }

  /** Writes of other resources: the version rises. */
  pass(versions: number): void {
    this.#snapshots.push({ version: this.version + versions, objects: this.#now.objects });
  }

  /** Forgets the history: watches from older versions and tokens of older lists answer 410. */
  compact(): void {
    this.#compacted = this.version;
    this.#log = [];
  }

  /** The state before the latest `writes`, as after a restored backup; watches are cut. */
  restore(writes: number): void {
    this.#snapshots = this.#snapshots.slice(0, Math.max(1, this.#snapshots.length - writes));
    this.#log = this.#log.filter(({ version }) => version <= this.version);
    this.cut(refused(true));
  }

  bookmark(): void {
    const resourceVersion = String(this.version);
    for (const stream of this.#streams)
      stream.push({ type: 'BOOKMARK', resourceVersion, initialEventsEnd: false });
  }

  /** Ends the open watches in good order, or with an error. */
  cut(how: Error | 'end'): void {
    for (const stream of this.#streams) stream.push(how);
  }

  /** Sends what is no event to the open watches. */
  garble(garbage: unknown): void {
    for (const stream of this.#streams) stream.push(garbage as WatchEvent<Widget>);
  }

  stream<T extends KubernetesObject>(_: Resource<T>, selector: StreamOptions = {}): ListerWatcher<T> {
    const own: ListerWatcher<Widget> = {
      list: (options) => this.#list({ ...selector, ...options }),
      watch: (options) => this.#batches({ ...selector, ...options }),
    };
    return own as unknown as ListerWatcher<T>;
  }

  async *#list(options: ListOptions): AsyncGenerator<ListPart<Widget>> {
    this.requests.push({ verb: 'list', options });
    this.#fail(this.failures.list);
    const [snapshot, offset] = options.continue ? this.#continued(options.continue) : [this.#lagging(), 0];
    if (this.latency > 0) await sleep(this.#clock, this.latency, options.signal);
    if (options.signal?.aborted) throw stopped();
    const all = [...snapshot.objects.values()].filter((object) => isIn(options.namespace, object));
    const end = options.limit ? offset + options.limit : all.length;
    const brokenOff = this.breakOff;
    this.breakOff = undefined;
    for (const [at, object] of all.slice(offset, end).entries()) {
      if (at === brokenOff) throw refused(true);
      yield { type: 'items', items: [encode(object, WIDGET)] };
    }
    yield {
      type: 'end',
      resourceVersion: String(snapshot.version),
      continue: end < all.length ? `${snapshot.version}:${end}` : undefined,
    };
  }

  async *#batches(options: WatchOptions): ReturnType<ListerWatcher<Widget>['watch']> {
    for await (const event of this.#watch(options)) {
      if (event === null || !('object' in event) || !event.object?.metadata) yield [event as never];
      else yield [{ type: event.type, object: encode(event.object, WIDGET) }];
    }
  }

  async *#watch(options: WatchOptions): AsyncGenerator<WatchEvent<Widget>> {
    this.requests.push({ verb: 'watch', options });
    await Promise.resolve();
    this.#fail(this.failures.watch);
    if (this.watchLatency > 0) await sleep(this.#clock, this.watchLatency, options.signal);
    if (options.signal?.aborted) throw stopped();
    const stream = new Stream();
    const initial = options.sendInitialEvents ? this.#initialEvents() : undefined;
    if (initial) stream.push(...initial.events);
    const from = initial?.version ?? Number(options.resourceVersion);
    if (from < this.#compacted) throw gone();
    stream.push(...this.#log.filter(({ version }) => version > from).map(({ event }) => event));
    this.#streams.add(stream);
    const release = this.#limit(stream, options);
    try {
      for (;;) {
        const next = await stream.next();
        if (options.signal?.aborted) throw stopped();
        if (next === 'end') return;
        if (next instanceof Error) throw next;
        if (isUnparsable(next, this.poison)) throw new RequestError('REQUEST_FAILED', 'not JSON', true);
        if (!concerns(options, next)) continue;
        release.touch();
        yield JSON.parse(JSON.stringify(next)) as WatchEvent<Widget>;
      }
    } finally {
      release.end();
      this.#streams.delete(stream);
    }
  }

  #initialEvents(): { readonly version: number; readonly events: readonly WatchEvent<Widget>[] } {
    if (!this.streams) throw apiError(422, 'Invalid');
    const { version, objects } = this.#lagging();
    const added = Array.from(objects.values(), (object) => ({ type: 'ADDED' as const, object }));
    const end = { type: 'BOOKMARK' as const, resourceVersion: String(version), initialEventsEnd: true };
    return { version, events: [...added, end] };
  }

  get #now(): Snapshot {
    return this.#snapshots.at(-1) as Snapshot;
  }

  #commit(event: Extract<WatchEvent<Widget>, { object: Widget }>): void {
    const version = this.version + 1;
    const objects = new Map(this.#now.objects);
    const key = formatKey(event.object.metadata);
    if (event.type === 'DELETED') objects.delete(key);
    else objects.set(key, event.object);
    this.#snapshots.push({ version, objects });
    this.#log.push({ version, event });
    for (const stream of this.#streams) stream.push(event);
  }

  #fail(failures: (Error | undefined)[]): void {
    const failure = this.down ?? failures.shift();
    if (failure) throw failure;
  }

  #lagging(): Snapshot {
    const snapshot = this.#snapshots.at(-1 - this.lag) ?? (this.#snapshots[0] as Snapshot);
    this.lag = 0;
    return snapshot;
  }

  #continued(token: string): [Snapshot, number] {
    const [version, offset] = token.split(':').map(Number);
    const snapshot = this.#snapshots.find((candidate) => candidate.version === version);
    if (!snapshot || snapshot.version < this.#compacted) throw gone();
    return [snapshot, offset ?? 0];
  }

  /** Ends the stream at its time, fails it when it is idle, wakes it when it is told to stop. */
  #limit(stream: Stream, { timeoutSeconds, idleTimeout, signal }: WatchOptions) {
    const abort = (): void => stream.push('end');
    signal?.addEventListener('abort', abort);
    const endLife = timeoutSeconds
      ? this.#clock.schedule(timeoutSeconds * 1000, () => stream.push('end'))
      : () => {};
    const watchIdle = (): (() => void) =>
      idleTimeout
        ? this.#clock.schedule(idleTimeout, () =>
            stream.push(new RequestError('REQUEST_TIMEOUT', 'idle', true)),
          )
        : () => {};
    let endIdle = watchIdle();
    return {
      touch: () => {
        endIdle();
        endIdle = watchIdle();
      },
      end: () => {
        endLife();
        endIdle();
        signal?.removeEventListener('abort', abort);
      },
    };
  }
}

export function gone(): ApiError {
  return new ApiError('GET widgets', 410, {
    reason: 'Expired',
    message: 'too old resource version',
    code: 410,
  });
}

export function apiError(statusCode: number, reason?: string, retryAfter?: number): ApiError {
  return new ApiError('GET widgets', statusCode, reason ? { reason } : {}, retryAfter);
}

/** No answer. `sent`: the stream broke; otherwise the server was not reached. */
export function refused(sent = false): RequestError {
  return new RequestError('REQUEST_FAILED', sent ? 'ECONNRESET' : 'ECONNREFUSED', sent);
}

function stopped(): RequestError {
  return new RequestError('REQUEST_ABORTED', 'aborted', true);
}

function wire(object: Widget): Widget {
  return JSON.parse(JSON.stringify(object)) as Widget;
}

function isIn(namespace: string | undefined, object: Widget): boolean {
  return namespace === undefined || object.metadata.namespace === namespace;
}

function isUnparsable(event: WatchEvent<Widget>, version: number | undefined): boolean {
  return event !== null && 'object' in event && event.object?.metadata?.resourceVersion === String(version);
}

/** A watch from a version that the server has not reached stays silent until it has. */
function concerns({ namespace, resourceVersion = '0' }: WatchOptions, event: WatchEvent<Widget>): boolean {
  if (event?.type === 'BOOKMARK') return !(Number(event.resourceVersion) < Number(resourceVersion));
  if (!event || !('object' in event) || !event.object?.metadata) return true;
  return (
    isIn(namespace, event.object) && Number(event.object.metadata.resourceVersion) > Number(resourceVersion)
  );
}
