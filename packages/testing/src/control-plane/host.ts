/** The one room of the control plane that reads the environment and clocks, and sets timers. */
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export const host = {
  now: (): Date => new Date(),
  /** Milliseconds on a clock that never steps. */
  monotonic: (): number => performance.now(),
  sleep: (ms: number): Promise<void> => wait(ms),
  pause,
  /** Runs `task` once, after `ms` milliseconds; the result cancels it. */
  after: (ms: number, task: () => void): (() => void) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  /** What the user pointed at, by the convention of envtest. */
  assetsVariable: (): string | undefined => process.env['KUBEBUILDER_ASSETS'] || undefined,
  /** Where `tools/control-plane/build.mjs` puts what it builds, one folder a version. */
  assetsCache: (): string => {
    const cache = process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache');
    return path.join(cache, 'incumbent', 'control-plane');
  },
  freePort,
};

/** A loopback port that nobody listens on now. Whoever binds it later may find it taken, and must ask for another. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves after `ms` milliseconds, which may be Infinity, or when `end` is aborted. */
async function pause(ms: number, end: AbortSignal): Promise<void> {
  if (end.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
    end.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
