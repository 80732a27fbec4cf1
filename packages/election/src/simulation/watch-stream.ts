import { type KubernetesObject, type Lease, RequestError, type WatchEvent } from '@incumbent/core/client';
import type { Endpoint } from './participant.js';

export interface WatchStreamOptions<T extends KubernetesObject> {
  readonly owner: Endpoint;
  readonly signal: AbortSignal;
  /** Called with each event as it arrives. */
  readonly told: (event: WatchEvent<T>) => void;
  readonly onClose: (stream: WatchStream<T>) => void;
}

/** The client's end of one watch. What arrives waits here until it is asked for. */
export class WatchStream<T extends KubernetesObject = Lease>
  implements AsyncIterable<WatchEvent<T>>, AsyncIterator<WatchEvent<T>>
{
  /** Version after which the server tells it of changes. */
  from = 0;
  /** When the last event so far gets here: later ones do not overtake it. */
  lastArrival = 0;
  /** Events that a fault keeps back. */
  heldBack: WatchEvent<T>[] = [];
  /** Nothing comes through it any more, and the client does not know. */
  halfOpen = false;
  /** Over for the client: nothing it is sent gets through any more. */
  closed = false;
  readonly #arrived: WatchEvent<T>[] = [];
  readonly owner: Endpoint;
  readonly #told: (event: WatchEvent<T>) => void;
  readonly #onClose: (stream: WatchStream<T>) => void;
  #error: Error | undefined;
  #waiting:
    | {
        readonly resolve: (result: IteratorResult<WatchEvent<T>>) => void;
        readonly reject: (error: Error) => void;
      }
    | undefined;

  constructor({ owner, signal, told, onClose }: WatchStreamOptions<T>) {
    this.owner = owner;
    this.#told = told;
    this.#onClose = onClose;
    const abort = (): void => this.end(new RequestError('REQUEST_ABORTED', 'WATCH: aborted', true));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(event: WatchEvent<T>): void {
    if (this.closed) return;
    this.#told(event);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve({ done: false, value: event });
    else this.#arrived.push(event);
  }

  /** Ends it after what has arrived, in an orderly way or with an error. */
  end(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.#error = error;
    this.heldBack = [];
    this.#onClose(this);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.#finish(waiting.resolve, waiting.reject);
  }

  /** What a fault kept back: each as the arrival that it will be. */
  takeHeld(): (() => void)[] {
    return this.heldBack.splice(0).map((event) => () => this.push(event));
  }

  next(): Promise<IteratorResult<WatchEvent<T>>> {
    const value = this.#arrived.shift();
    if (value) return Promise.resolve({ done: false, value });
    return new Promise((resolve, reject) => {
      if (this.closed) this.#finish(resolve, reject);
      else this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<WatchEvent<T>>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(resolve: (result: IteratorResult<WatchEvent<T>>) => void, reject: (error: Error) => void): void {
    if (this.#error) reject(this.#error);
    else resolve({ done: true, value: undefined });
  }
}
