/**
 * The process between a test and the servers it runs: it owns their folder and is their parent, so that both go when the test goes,
 * however it ends. The test's end of the channel closes even on SIGKILL, and that is the signal.
 *
 * Run by `node` as it stands, also from source: types that can be erased, and no imports of ours.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export type Order =
  | {
      readonly do: 'start';
      readonly name: string;
      readonly command: string;
      readonly args: readonly string[];
    }
  | { readonly do: 'kill'; readonly name: string; readonly signal: NodeJS.Signals }
  | { readonly do: 'end' };

export type Report =
  | { readonly is: 'ready'; readonly folder: string }
  | { readonly is: 'started'; readonly name: string; readonly pid: number }
  | { readonly is: 'ended'; readonly name: string; readonly how: string };

const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-control-plane-'));
const children = new Map<string, ChildProcess>();
let ending = false;

process.on('message', obey);
process.on('disconnect', end);
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.on('SIGHUP', end);
report({ is: 'ready', folder });

function obey(order: Order): void {
  if (order.do === 'end') end();
  else if (order.do === 'kill') children.get(order.name)?.kill(order.signal);
  else if (!ending) start(order.name, order.command, order.args);
}

function start(name: string, command: string, args: readonly string[]): void {
  const log = openSync(path.join(folder, `${name}.log`), 'a');
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', log, log] });
  closeSync(log);
  children.set(name, child);
  child.once('spawn', () => report({ is: 'started', name, pid: child.pid ?? 0 }));
  child.once('error', (error) => gone(name, child, error.message));
  child.once('exit', (code, signal) =>
    gone(name, child, signal ? `was ended by ${signal}` : `ended with code ${code}`),
  );
}

function gone(name: string, child: ChildProcess, how: string): void {
  if (children.get(name) !== child) return;
  children.delete(name);
  report({ is: 'ended', name, how });
  if (ending) leaveWhenAlone();
}

function end(): void {
  if (ending) return;
  ending = true;
  for (const child of children.values()) child.kill('SIGKILL');
  leaveWhenAlone();
}

function leaveWhenAlone(): void {
  if (children.size > 0) return;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.exit(0);
}

function report(news: Report): void {
  // The test may be gone already, and 'disconnect' on its way.
  if (process.connected) process.send?.(news, () => {});
}
