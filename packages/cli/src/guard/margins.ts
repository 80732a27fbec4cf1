import type { Margins } from '../guardian/protocol.js';

/** Milliseconds. A command that needs longer to end should be led by slower timings. */
const LONGEST = 5000;

/**
 * How long before the end of a term its command is asked to end, and killed: with the time of one attempt at a renewal left, which
 * would be the last one, and half of that.
 */
export function marginsOf(timings: {
  readonly renewDeadline: number;
  readonly renewInterval: number;
}): Margins {
  const terminate = Math.min((timings.renewDeadline - timings.renewInterval) / 3, LONGEST);
  return { terminate, kill: terminate / 2 };
}
