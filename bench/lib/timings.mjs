// The durations of both sides, in milliseconds.
import { seconds } from './statistics.mjs';

const PRESETS = {
  fast: { leaseDuration: 5000, renewDeadline: 3000, renewInterval: 1500, retryPeriod: 500 },
  balanced: { leaseDuration: 15_000, renewDeadline: 10_000, renewInterval: 5000, retryPeriod: 1500 },
  slow: { leaseDuration: 60_000, renewDeadline: 45_000, renewInterval: 20_000, retryPeriod: 5000 },
};

/** @param {{ preset?: string, leaseDuration?: number, renewDeadline?: number }} options - durations replace those of the preset */
export function ourTimings({ preset = 'balanced', leaseDuration, renewDeadline }) {
  const timings = PRESETS[preset];
  if (!timings) throw new Error(`There is no preset "${preset}": use ${Object.keys(PRESETS).join(', ')}.`);
  if (leaseDuration === undefined && renewDeadline === undefined) return timings;
  const deadline = renewDeadline ?? (leaseDuration * timings.renewDeadline) / timings.leaseDuration;
  return {
    leaseDuration: leaseDuration ?? timings.leaseDuration,
    renewDeadline: deadline,
    renewInterval: deadline / 2,
    retryPeriod: (deadline * timings.retryPeriod) / timings.renewDeadline,
  };
}

/** The same lease duration and renew deadline; client-go renews every retry period, by default a fifth of the deadline. */
export function theirTimings({ leaseDuration, renewDeadline }) {
  return { leaseDuration, renewDeadline, retryPeriod: renewDeadline / 5 };
}

/** As the flags of a replica. */
export function timingFlags(timings) {
  return Object.fromEntries(
    Object.entries(timings).map(([name, ms]) => [
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      `${Math.round(ms)}ms`,
    ]),
  );
}

export function inWords(timings) {
  return Object.entries(timings)
    .map(([name, ms]) => `${name} ${seconds(ms)}`)
    .join(', ');
}
