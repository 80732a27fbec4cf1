// What the failover benchmark prints: a table of both sides, and which of the project's promises the figures keep.
import { seconds, table } from './statistics.mjs';

/**
 * @typedef {object} Figures - of one side
 * @property {{ leaseDuration: number }} timings
 * @property {ReturnType<typeof import('./statistics.mjs').summary>} crash - from the kill to the successor's acquiring write
 * @property {ReturnType<typeof import('./statistics.mjs').summary>} graceful - from the releasing to the acquiring write
 * @property {number} notReleased - stops after which the lease had to lapse
 * @property {number} earliestTakeover - least time from a crashed leader's last renewal to the next acquiring write
 * @property {{ leader: number, follower: number }} requests - a minute
 */

const REQUESTS = 'requests a minute';

/** @param {Record<string, Figures>} results - by side, ours first */
export function figuresTable(results) {
  const sides = Object.entries(results);
  return table([
    ['', 'n', 'p50', 'p99', 'max', REQUESTS],
    ...timesOf('crash', sides),
    ...timesOf('graceful', sides),
    ...requestsOf('leader', sides),
    ...requestsOf('follower', sides),
  ]);
}

function timesOf(kind, sides) {
  const known = sides.filter(([, figures]) => figures[kind]);
  const lines = known.map(([side, { [kind]: times }]) => [
    `${kind}, ${side}`,
    String(times.count),
    ...['p50', 'p99', 'max'].map((name) => seconds(times[name])),
    '',
  ]);
  if (known.length < 2) return lines;
  const [ours, theirs] = known.map(([, figures]) => figures[kind]);
  const ratios = ['p50', 'p99', 'max'].map((name) => `${(theirs[name] / ours[name]).toFixed(1)} x`);
  return [...lines, [`${kind}, client-go to ours`, '', ...ratios, '']];
}

function requestsOf(role, sides) {
  return sides.map(([side, { requests }]) => [`${role}, ${side}`, '', '', '', '', requests[role].toFixed(2)]);
}

/** A leader's and a follower's requests are promised for the durations that Kubernetes' own components use. */
const USUAL_DURATION = 15_000;
/** A takeover and the renewal before it are seen by one observer; a watch's delay may make the time between them look shorter. */
const TOLERANCE = 100;

/** `of` looks at our figures and client-go's; it is asked only where `needs` are there. */
const TARGETS = [
  {
    what: 'no crash is taken over before the lease duration after the last renewal',
    needs: ({ crash }) => crash,
    of: ({ earliestTakeover, timings }) => [
      earliestTakeover >= timings.leaseDuration - TOLERANCE,
      seconds(earliestTakeover),
    ],
  },
  {
    what: 'crash failover takes at most the lease duration + 1 s',
    needs: ({ crash }) => crash,
    of: ({ crash, timings }) => [crash.max <= timings.leaseDuration + 1000, seconds(crash.max)],
  },
  {
    what: "its median is below client-go's",
    needs: ({ crash }, theirs) => crash && theirs?.crash,
    of: ({ crash }, theirs) => [
      crash.p50 < theirs.crash.p50,
      `${seconds(crash.p50)} to ${seconds(theirs.crash.p50)}`,
    ],
  },
  {
    what: 'graceful handover has a median of at most 100 ms',
    needs: ({ graceful }) => graceful,
    of: ({ graceful }) => [graceful.p50 <= 100, seconds(graceful.p50)],
  },
  {
    what: 'every stop releases the lease',
    needs: ({ graceful, notReleased }) => graceful || notReleased,
    of: ({ notReleased }) => [notReleased === 0, `${notReleased} did not`],
  },
  {
    what: "a follower sends at most 5 % of client-go's requests",
    needs: ({ timings }, theirs) => theirs && timings.leaseDuration === USUAL_DURATION,
    of: ({ requests }, theirs) => [
      requests.follower <= 0.05 * theirs.requests.follower,
      `${((100 * requests.follower) / theirs.requests.follower).toFixed(1)} %`,
    ],
  },
  {
    what: 'a leader sends at most 13 requests a minute',
    needs: ({ timings }) => timings.leaseDuration === USUAL_DURATION,
    of: ({ requests }) => [requests.leader <= 13, requests.leader.toFixed(2)],
  },
];

/** @param {Record<string, Figures>} results */
export function targets({ ours, 'client-go': theirs }) {
  return TARGETS.filter(({ needs }) => needs(ours, theirs)).map(({ what, of }) => {
    const [met, figure] = of(ours, theirs);
    return { what, met, figure };
  });
}
