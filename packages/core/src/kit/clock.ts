/** The one room where time is read and timers are set: everything else is handed a {@link Clock}. */
import os from 'node:os';

export interface Clock {
  /** Milliseconds on a monotonic clock with an arbitrary origin. Stands still while the machine is suspended. */
  monotonic(): number;
  /** Milliseconds since the machine booted, time in suspension included. Resolution is about 10 ms. */
  uptime(): number;
  /** Wall-clock time. To be written, never compared between machines. */
  wall(): Date;
  /** Calls `task` once after `delay` milliseconds, never earlier and never synchronously. Returns a function that cancels it. */
  schedule(delay: number, task: () => void): () => void;
  /** Resolves once timers and sockets have had their turn. A clock without it has the event loop's: only a simulation has another. */
  turn?(): Promise<void>;
}

/** A moment on the two monotonic clocks of this machine, to measure elapsed time from. */
export interface Instant {
  readonly monotonic: number;
  readonly uptime: number;
}

export function instant(clock: Clock): Instant {
  return { monotonic: clock.monotonic(), uptime: clock.uptime() };
}

/**
 * Milliseconds since `from`, counting time in suspension: what a holder of a right must use.
 *
 * The larger of the two clocks wins: the monotonic one does not tick during suspend, and the other has a coarse resolution.
 */
export function elapsedSince(clock: Clock, from: Instant): number {
  return Math.max(clock.monotonic() - from.monotonic, clock.uptime() - from.uptime);
}

/** setTimeout fires at once for delays beyond this. */
const LONGEST_TIMER = 2 ** 31 - 1;

class SystemClock implements Clock {
  monotonic(): number {
    return performance.now();
  }

  uptime(): number {
    return os.uptime() * 1000;
  }

  wall(): Date {
    return new Date();
  }

  schedule(delay: number, task: () => void): () => void {
    const due = performance.now() + delay;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      timer = setTimeout(check, Math.min(Math.max(due - performance.now(), 0), LONGEST_TIMER));
    };
    // A Node timer may fire a fraction of a millisecond early.
    const check = (): void => (performance.now() < due ? wait() : task());
    wait();
    return () => clearTimeout(timer);
  }
}

export const systemClock: Clock = new SystemClock();
