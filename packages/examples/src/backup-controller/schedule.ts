/** When a Backup is due: cron expressions in UTC, and `@every 10s`. */
import { Cron } from 'croner';
import { BackupFailure } from './failure.js';

/**
 * The moments ("ticks") at which a Backup is due. All are whole seconds.
 *
 * A schedule starts no timers and reads no clock, so every replica computes the same ticks.
 */
export interface Schedule {
  /** The first tick after `after`. */
  next(after: Date): Date;

  /** The ticks after `after`, up to and including `until`. Cheap, however far the two lie apart. */
  ticks(after: Date, until: Date): Ticks;
}

export interface Ticks {
  /** Exact for `@every`; a cron schedule counts no further than {@link COUNT_LIMIT}. */
  readonly count: number;
  readonly last: Date | undefined;
}

/** Stands for "this many or more": counting the minutes of a year would block the event loop for seconds. */
export const COUNT_LIMIT = 1000;

const NO_TICKS: Ticks = { count: 0, last: undefined };

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/**
 * Reads `0 3 * * *`, `@daily` or `@every 1h30m`.
 *
 * @param anchor from where `@every` counts: the time at which the Backup was created
 * @throws {@link BackupFailure} `ScheduleInvalid`, with a sentence that says what to write instead
 */
export function parseSchedule(text: string, anchor: Date): Schedule {
  const trimmed = text.trim();
  if (/^@every\b/.test(trimmed)) return new EverySchedule(parsePeriod(trimmed), anchor);
  return new CronSchedule(parseCron(NICKNAMES.get(trimmed) ?? trimmed), anchor);
}

class EverySchedule implements Schedule {
  readonly #anchor: number;

  constructor(
    private readonly period: number,
    anchor: Date,
  ) {
    this.#anchor = Math.floor(anchor.getTime() / 1000) * 1000;
  }

  next(after: Date): Date {
    return this.#tick(this.#index(after) + 1);
  }

  ticks(after: Date, until: Date): Ticks {
    const last = this.#index(until);
    const count = last - this.#index(after);
    return count > 0 ? { count, last: this.#tick(last) } : NO_TICKS;
  }

  /** The number of the last tick that is not after `date`. The anchor is number 0 and no tick itself. */
  #index(date: Date): number {
    return Math.max(0, Math.floor((date.getTime() - this.#anchor) / this.period));
  }

  #tick(index: number): Date {
    return new Date(this.#anchor + index * this.period);
  }
}

class CronSchedule implements Schedule {
  constructor(
    private readonly cron: Cron,
    anchor: Date,
  ) {
    this.next(anchor);
  }

  next(after: Date): Date {
    const next = this.cron.nextRun(after);
    if (next) return next;
    throw invalid(this.cron.getPattern() ?? '', 'its day never comes');
  }

  ticks(after: Date, until: Date): Ticks {
    let count = 0;
    let tick = this.next(after);
    for (; tick <= until && count < COUNT_LIMIT; count += 1) tick = this.next(tick);
    return count > 0 ? { count, last: this.#last(until) } : NO_TICKS;
  }

  /** croner looks strictly before the date that it is given. */
  #last(until: Date): Date | undefined {
    return this.cron.previousRuns(1, new Date(until.getTime() + 1))[0];
  }
}

function parseCron(text: string): Cron {
  const fields = text.split(/\s+/).filter(Boolean).length;
  if (text.startsWith('@')) throw invalid(text, 'this nickname is not known');
  if (fields !== 5) throw invalid(text, `a cron expression has 5 fields, this has ${fields}`);
  try {
    // Without a function to call, Cron is a calculator: it sets no timer and registers nothing.
    return new Cron(text, { mode: '5-part', utcOffset: 0 });
  } catch (error) {
    throw invalid(text, (error as Error).message.replace(/^CronPattern: /, ''), error);
  }
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `@every 1d2h3m4s` in milliseconds. */
function parsePeriod(text: string): number {
  const match = /^@every\s+(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(text);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] =
    match?.slice(1).map((part) => Number(part ?? 0)) ?? [];
  const period = days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND;
  if (period > 0 && period <= 366 * DAY) return period;
  throw invalid(text, '@every takes whole days, hours, minutes and seconds, from 1s to 366d');
}

function invalid(text: string, problem: string, cause?: unknown): BackupFailure {
  return new BackupFailure(
    'ScheduleInvalid',
    `"${text}" is not a schedule: ${problem}. ` +
      'Write e.g. "0 3 * * *" (every day at 03:00 UTC), "@hourly" or "@every 10m" in spec.schedule.',
    { cause },
  );
}
