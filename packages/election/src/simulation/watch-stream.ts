import { type Lease, RequestError, type WatchEvent } from '@incumbent/core/client';
import type { Endpoint } from './participant.js';

export interface WatchStreamOptions {
  readonly owner: Endpoint;
  readonly signal: AbortSignal;
  /** Called with each event as it arrives. */
  readonly told: (event: WatchEvent<Lease>) => void;
  readonly onClose: (stream: WatchStream) => void;
}

/** The client's end of one watch. What arrives waits here until it is asked for. */
export class WatchStream implements AsyncIterable<WatchEvent<Lease>>, AsyncIterator<WatchEvent<Lease>> {
  /** Version after which the server tells it of changes. */
  from = 0;
  /** When the last event so far gets here: later ones do not overtake it. */
  lastArrival = 0;
  /** Events that a fault keeps back. */
  heldBack: WatchEvent<Lease>[] = [];
  /** Nothing comes through it any more, and the client does not know. */
  halfOpen = false;
  /** Over for the client: nothing it is sent gets through any more. */
  closed = false;
  readonly #arrived: WatchEvent<Lease>[] = [];
  readonly owner: Endpoint;
  readonly #told: (event: WatchEvent<Lease>) => void;
  readonly #onClose: (stream: WatchStream) => void;
  #error: Error | undefined;
  #waiting:
    | {
        readonly resolve: (result: IteratorResult<WatchEvent<Lease>>) => void;
        readonly reject: (error: Error) => void;
      }
    | undefined;

  constructor({ owner, signal, told, onClose }: WatchStreamOptions) {
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

  push(event: WatchEvent<Lease>): void {
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

  next(): Promise<IteratorResult<WatchEvent<Lease>>> {
    const value = this.#arrived.shift();
    if (value) return Promise.resolve({ done: false, value });
    return new Promise((resolve, reject) => {
      if (this.closed) this.#finish(resolve, reject);
      else this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<WatchEvent<Lease>>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(
    resolve: (result: IteratorResult<WatchEvent<Lease>>) => void,
    reject: (error: Error) => void,
  ): void {
    if (this.#error) reject(this.#error);
    else resolve({ done: true, value: undefined });
  }
}
