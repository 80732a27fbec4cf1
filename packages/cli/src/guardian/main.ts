/**
 * The guardian of one command, as a process of its own in a session of its own: it outlives the process that started it for just as
 * long as it takes to end the command. Imports nothing but Node, to start quickly.
 */
import { spawn } from 'node:child_process';
import os from 'node:os';
import { type ChildListener, Guardian, type Host } from './guardian.js';
import type { Order, Report, StartOrder } from './protocol.js';
import { isSessionAlive, signalSession } from './session.js';

// Meant for the process that started us, which gets them too and decides.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

const host: Host = {
  now: () => ({ monotonic: Number(process.hrtime.bigint()) / 1e6, uptime: os.uptime() * 1000 }),
  wall: () => Date.now(),
  schedule: (delay, task) => void setTimeout(task, delay),
  spawn: start,
  signalSession,
  isSessionAlive,
  report,
};
const guardian = new Guardian(host);
process.on('message', (order: Order) => guardian.obey(order));
process.on('disconnect', () => guardian.orphaned());

function start({ command, args, environment }: StartOrder, listener: ChildListener): void {
  const child = spawn(command, args, { stdio: 'inherit', detached: true, env: environment });
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid === undefined) listener.failed(error.code ?? 'UNKNOWN', error.message);
  });
  child.on('exit', (code, signal) => listener.ended(code, signal));
  if (child.pid !== undefined) listener.started(child.pid);
}

function report(message: Report): void {
  const isLast = message.kind !== 'started';
  if (process.connected) process.send?.(message, () => isLast && process.connected && process.disconnect());
}
