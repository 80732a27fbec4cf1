/** Breaks a connection off, as a peer that crashed does. */
import type { Socket } from 'node:net';

export function reset(socket: Socket): void {
  // libuv refuses to reset what is shutting down, and Node then keeps the handle, and the event loop busy, for ever.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
