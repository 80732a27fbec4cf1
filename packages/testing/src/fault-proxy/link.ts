/** One connection through the proxy: the client's socket, the one towards the server, and the bytes between them. */
import type { Socket } from 'node:net';
import type { ActiveFaults } from './active-faults.js';
import { Pipe } from './pipe.js';
import { reset } from './reset.js';

export class Link {
  readonly #sockets: readonly Socket[];
  readonly #pipes: readonly Pipe[];
  readonly #forget: () => void;

  /** `onClosed` is called once, when both sides are closed. */
  constructor(client: Socket, server: Socket, faults: ActiveFaults, onClosed: (link: Link) => void) {
    this.#sockets = [client, server];
    this.#pipes = [
      new Pipe(client, server, 'client-to-server', faults),
      new Pipe(server, client, 'server-to-client', faults),
    ];
    this.#forget = faults.onChange(() => this.#pipes.forEach((pipe) => pipe.flush()));
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      // Told by 'close', which always follows.
      socket.on('error', () => {});
      socket.on('close', () => this.#settle(onClosed));
    }
  }

  /** Resets both sides at once; what was under way is lost. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  #settle(onClosed: (link: Link) => void): void {
    if (this.#sockets.some((socket) => !socket.destroyed)) return;
    this.#forget();
    this.#pipes.forEach((pipe) => pipe.dispose());
    onClosed(this);
  }
}
