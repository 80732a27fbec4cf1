import { type Clock, systemClock } from '@incumbent/core/client';

/**
 * The system's clock with an origin that all threads of the process share: `performance.now()` counts from the start of its thread,
 * so what one thread reads means nothing to another.
 */
class ProcessClock implements Clock {
  monotonic(): number {
    return Number(process.hrtime.bigint()) / 1e6;
  }

  uptime(): number {
    return systemClock.uptime();
  }

  wall(): Date {
    return systemClock.wall();
  }

  schedule(delay: number, task: () => void): () => void {
    return systemClock.schedule(delay, task);
  }
}

export const processClock: Clock = new ProcessClock();
