import { ApiError, RequestError, type Status } from '../api/errors.js';
import type { KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import { messageOf } from '../kit/error.js';
import { encode, EncodedObject, extentOf } from './encoded-object.js';
import type { EncodedEvent } from './lister-watcher.js';
import { ObjectScanner } from './object-scanner.js';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
const NEW_LINE = 10;
const CLOSE_OBJECT = 0x7d;
/** How every server begins a line with an object. */
const BEGINNING = /^\{"type":"(ADDED|MODIFIED|DELETED)","object":/;
const LONGEST_BEGINNING = '{"type":"MODIFIED","object":'.length;

/** The events of a watch's body, one a line, in the batches in which they arrive. Throws the ERROR event as an {@link ApiError}. */
export async function* watchEvents<T extends KubernetesObject>(
  name: string,
  resource: Resource<T>,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<readonly EncodedEvent<T>[]> {
  const events = new EventParser(name, resource);
  for await (const lines of linesOf(body)) {
    const batch: EncodedEvent<T>[] = [];
    const failure = events.parse(lines, batch);
    if (batch.length > 0) yield batch;
    if (failure) throw failure.error;
  }
}

class EventParser<T extends KubernetesObject> {
  readonly #name: string;
  readonly #resource: Resource<T>;
  readonly #scanner = new ObjectScanner();

  constructor(name: string, resource: Resource<T>) {
    this.#name = name;
    this.#resource = resource;
  }

  /** Up to the first line that is an error or none at all: what came before it counts. */
  parse(lines: readonly Buffer[], batch: EncodedEvent<T>[]): { readonly error: unknown } | undefined {
    try {
      for (const line of lines) batch.push(this.#parseLine(line));
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  #parseLine(line: Buffer): EncodedEvent<T> {
    try {
      return this.#withObject(line) ?? this.#other(JSON.parse(line.toString('utf8')) as WireEvent<T>);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      const message = `${this.#name}: an event of the watch is not JSON: ${messageOf(error)}`;
      throw new RequestError('REQUEST_FAILED', message, true, { cause: error });
    }
  }

  #withObject(line: Buffer): EncodedEvent<T> | undefined {
    const [beginning, type] = BEGINNING.exec(line.toString('latin1', 0, LONGEST_BEGINNING)) ?? [];
    if (beginning === undefined) return undefined;
    const extent = extentOf(this.#scanner, line, beginning.length);
    if (extent.end !== line.length - 1 || line[extent.end] !== CLOSE_OBJECT) return undefined;
    const object = new EncodedObject(extent, this.#resource);
    return { type: type as 'ADDED' | 'MODIFIED' | 'DELETED', object };
  }

  #other({ type, object }: WireEvent<T>): EncodedEvent<T> {
    if (type === 'ERROR') {
      const status = object as Status;
      throw new ApiError(this.#name, status.code ?? 500, status);
    }
    if (type !== 'BOOKMARK') return { type, object: encode(object as T, this.#resource) };
    const { resourceVersion, annotations } = (object as T).metadata;
    return { type, resourceVersion, initialEventsEnd: annotations?.[INITIAL_EVENTS_END] === 'true' };
  }
}

interface WireEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T | Status;
}

/** The lines that end in each chunk. What follows the last line break of a stream that was cut is dropped: it is half an event. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = [];
  for await (const chunk of body) {
    const last = chunk.lastIndexOf(NEW_LINE);
    if (last < 0) {
      rest.push(chunk);
      continue;
    }
    yield split(Buffer.concat([...rest, chunk.subarray(0, last + 1)]));
    rest = last + 1 < chunk.length ? [chunk.subarray(last + 1)] : [];
  }
}

function split(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE, start)) {
    if (end > start) lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
