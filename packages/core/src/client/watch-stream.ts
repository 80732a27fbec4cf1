import type { Clock } from '../kit/clock.js';
import { messageOf } from '../kit/error.js';
import { ApiError, RequestError, type Status } from '../api/errors.js';
import type { KubernetesObject } from '../api/object.js';
import type { HttpResponse } from './exchange.js';
import type { WatchEvent } from './reader.js';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** The events of a watch's body, one a line. Throws the ERROR event as an {@link ApiError}. */
export async function* watchEvents<T extends KubernetesObject>(
  name: string,
  body: HttpResponse['body'],
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines(body)) yield parse<T>(name, line);
}

function parse<T extends KubernetesObject>(name: string, line: string): WatchEvent<T> {
  const event = parseJson(name, line);
  if (event.type === 'ERROR') {
    const status = event.object as Status;
    throw new ApiError(name, status.code ?? 500, status);
  }
  const object = event.object as T;
  if (event.type !== 'BOOKMARK') return { type: event.type, object };
  const { resourceVersion, annotations } = object.metadata;
  return {
    type: 'BOOKMARK',
    resourceVersion,
    initialEventsEnd: annotations?.[INITIAL_EVENTS_END] === 'true',
  };
}

function parseJson(
  name: string,
  line: string,
): { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: unknown } {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new RequestError(
      'REQUEST_FAILED',
      `${name}: an event of the watch is not JSON: ${messageOf(error)}`,
      true,
      { cause: error },
    );
  }
}

/** Splits chunks into lines. What follows the last line break of a stream that was cut is dropped: it is half an event. */
async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      rest.push(chunk.subarray(start, end));
      const line = Buffer.concat(rest).toString('utf8');
      rest = [];
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
}

/** Aborts when nothing came for `timeout` milliseconds. `touch` on each sign of life; one timer, however many signs. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #onIdle: () => void;
  #last: number;
  #cancel: () => void;

  constructor(clock: Clock, timeout: number, onIdle: () => void) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#onIdle = onIdle;
    this.#last = clock.monotonic();
    this.#cancel = clock.schedule(timeout, () => this.#check());
  }

  touch(): void {
    this.#last = this.#clock.monotonic();
  }

  stop(): void {
    this.#cancel();
  }

  #check(): void {
    const left = this.#last + this.#timeout - this.#clock.monotonic();
    if (left <= 0) this.#onIdle();
    else this.#cancel = this.#clock.schedule(left, () => this.#check());
  }
}
