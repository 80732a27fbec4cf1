/** What to do about a Backup now: a pure decision, so that every case of it can be tested without a clock. */
import type { Schedule } from './schedule.js';

export interface Situation {
  readonly schedule: Schedule;
  readonly suspend: boolean;

  /** When the Backup was created: no tick before it counts. */
  readonly created: Date;

  /** The last tick that status records, if there is one. */
  readonly lastTick: Date | undefined;

  readonly now: Date;
}

export type Plan =
  | { readonly kind: 'suspended' }
  | { readonly kind: 'wait'; readonly until: Date }
  /** `coalesced`: how many earlier ticks, missed until now, this run stands for as well. */
  | { readonly kind: 'run'; readonly tick: Date; readonly coalesced: number };

/**
 * Missed ticks are caught up by one run, for the latest of them; also those of a time of suspension.
 *
 * Only ticks after the recorded one are ever due: a clock that was set back waits, it repeats nothing. The price: a tick
 * recorded by a replica whose clock ran ahead puts the next run off until that clock's time has come.
 */
export function plan({ schedule, suspend, created, lastTick, now }: Situation): Plan {
  if (suspend) return { kind: 'suspended' };
  const since = lastTick && lastTick > created ? lastTick : created;
  const { count, last } = schedule.ticks(since, now);
  if (last === undefined) return { kind: 'wait', until: schedule.next(since) };
  return { kind: 'run', tick: last, coalesced: count - 1 };
}
