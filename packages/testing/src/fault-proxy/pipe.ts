/** One direction of a connection: bytes in order, as late as the faults in use will have them. */
import type { Socket } from 'node:net';
import { host } from '../control-plane/host.js';
import type { ActiveFaults } from './active-faults.js';
import type { Direction } from './fault.js';
import { reset } from './reset.js';

/** Beyond it the sender is slowed down, as by a full TCP window. */
const MOST_BYTES = 1 << 20;

type Item = { readonly due: number } & (
  { readonly chunk: Buffer } | { readonly end: true } | { readonly reset: true }
);

export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #direction: Direction;
  readonly #faults: ActiveFaults;
  readonly #queue: Item[] = [];
  #bytes = 0;
  #blocked = false;
  #timer: (() => void) | undefined;

  constructor(from: Socket, to: Socket, direction: Direction, faults: ActiveFaults) {
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    this.#faults = faults;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('end', () => this.#put({ due: this.#due(), end: true }));
    from.on('close', (hadError) =>
      this.#put(hadError || !from.readableEnded ? { due: host.monotonic(), reset: true } : undefined),
    );
    to.on('drain', () => this.#unblock());
  }

  /** Passes on what may go by now. To be called when the faults have changed. */
  flush(): void {
    this.#timer?.();
    this.#timer = undefined;
    while (!this.#blocked && this.#mayGo()) this.#deliver(this.#queue.shift());
  }

  dispose(): void {
    this.#timer?.();
    this.#queue.length = 0;
  }

  #take(chunk: Buffer): void {
    this.#faults.holder(this.#direction)?.noteHeld();
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_BYTES) this.#from.pause();
    this.#put({ due: this.#due(), chunk });
  }

  #due(): number {
    return host.monotonic() + this.#faults.delay(this.#direction);
  }

  #put(item: Item | undefined): void {
    if (item) this.#queue.push(item);
    this.flush();
  }

  #mayGo(): boolean {
    const next = this.#queue[0];
    if (!next || this.#faults.holder(this.#direction)) return false;
    const wait = next.due - host.monotonic();
    if (wait > 0) this.#timer = host.after(wait, () => this.flush());
    return wait <= 0;
  }

  #deliver(item: Item | undefined): void {
    if (!item || this.#to.destroyed) return;
    if ('reset' in item) reset(this.#to);
    else if ('end' in item) this.#to.end();
    else this.#write(item.chunk);
  }

  #write(chunk: Buffer): void {
    this.#blocked = !this.#to.write(chunk);
    this.#bytes -= chunk.length;
    if (this.#bytes <= MOST_BYTES && !this.#blocked) this.#from.resume();
  }

  #unblock(): void {
    this.#blocked = false;
    if (this.#bytes <= MOST_BYTES) this.#from.resume();
    this.flush();
  }
}
