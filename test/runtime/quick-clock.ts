/** A clock on which time passes several times as fast, so that limits of minutes are reached in seconds against a server that is really there. */
import { type Clock, systemClock } from '@incumbent/core/client';

export function quickClock(speed: number): Clock {
  const origin = systemClock.monotonic();
  return {
    monotonic: () => origin + (systemClock.monotonic() - origin) * speed,
    uptime: () => systemClock.uptime() * speed,
    wall: () => systemClock.wall(),
    schedule: (delay, task) => systemClock.schedule(delay / speed, task),
  };
}
