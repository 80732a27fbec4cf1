// What the runtime benchmark prints: ours beside each peer, and which of the project's aims the figures keep.
import { megabytes, median, seconds, table } from './statistics.mjs';

/** In the order of their rows; less is better in all of them. */
const METRICS = {
  time: ['time', seconds],
  cpu: ['CPU', seconds],
  p50: ['p50', milliseconds],
  p99: ['p99', milliseconds],
  sockets: ['sockets opened', String],
  atStart: ['memory at the start', megabytes],
  settled: ['settled memory', megabytes],
  peak: ['peak memory', megabytes],
  stall: ['longest stall', milliseconds],
  readCpu: ['reading all once, CPU', seconds],
  settledAfterRead: ['settled after reading', megabytes],
};

const TITLES = {
  sync: (count, size) => `sync of ${count} ConfigMaps of ${size}`,
  'catch-up': (count) => `catch-up after ${count} missed updates`,
  latency: () => 'event to reconcile',
  reconciles: (count) => `${count} reconciles with a patch each`,
};

/** @typedef {import('./scenarios.mjs').Result} Result */

/** @param {readonly Result[]} results */
export function comparisonTable(results) {
  const peers = peersOf(results);
  const header = ['', 'ours', ...peers.flatMap((peer) => [peer, 'ours to it'])];
  const empty = header.slice(1).map(() => '');
  const blocks = results.map((result) => [[titleOf(result), ...empty], ...rowsOf(result, peers)]);
  return table([header, ...blocks.flat()]);
}

/** Of each metric the median over the rounds, by contestant. */
export function medians({ samples }) {
  const mediansOf = (byContestant) =>
    Object.fromEntries(Object.entries(byContestant).map(([name, sample]) => [name, median(sample)]));
  return Object.fromEntries(
    Object.entries(samples).map(([metric, byContestant]) => [metric, mediansOf(byContestant)]),
  );
}

function peersOf(results) {
  const names = results.flatMap(({ samples }) => Object.values(samples).flatMap(Object.keys));
  return [...new Set(names)].filter((name) => name !== 'ours');
}

function titleOf({ scenario, count, bytes }) {
  return TITLES[scenario](count.toLocaleString('en'), `${(bytes / 1000).toFixed(1)} KB`);
}

function rowsOf(result, peers) {
  const figures = medians(result);
  const known = Object.keys(METRICS).filter((metric) => metric in figures);
  return known.map((metric) => {
    const [words, inWords] = METRICS[metric];
    const { ours, ...others } = figures[metric];
    const cells = peers.flatMap((peer) =>
      others[peer] === undefined ? ['-', ''] : [inWords(others[peer]), ratio(ours, others[peer])],
    );
    return [`  ${words}`, inWords(ours), ...cells];
  });
}

function ratio(ours, theirs) {
  if (theirs === 0) return ours === 0 ? '1.00 x' : '-';
  return `${(ours / theirs).toFixed(2)} x`;
}

function milliseconds(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : seconds(ms);
}

/**
 * `limit`: of ours to the peer's; `most`: of ours, in milliseconds. `from`: so many objects at least. Below that the process weighs more
 * than what it keeps.
 */
const AIMS = [
  { scenario: 'sync', metric: 'time', peer: 'client-node', limit: 0.6 },
  { scenario: 'sync', metric: 'cpu', peer: 'client-node', limit: 0.6 },
  { scenario: 'sync', metric: 'settled', peer: 'client-node', limit: 0.6, from: 50_000 },
  { scenario: 'sync', metric: 'stall', most: 50 },
  { scenario: 'reconciles', metric: 'time', peer: 'controller-runtime', limit: 1 },
];

/**
 * Those aims that the results can tell of.
 *
 * @param {readonly Result[]} results
 * @returns {{ what: string, met: boolean, figure: string }[]}
 */
export function aims(results) {
  return results.flatMap((result) =>
    AIMS.filter(({ scenario, from = 0 }) => scenario === result.scenario && result.count >= from).flatMap(
      (aim) => check(aim, result),
    ),
  );
}

function check({ metric, peer, limit, most }, result) {
  const { ours, ...others } = medians(result)[metric] ?? {};
  if (ours === undefined) return [];
  const what = `${titleOf(result)}: ${METRICS[metric][0]}`;
  if (most !== undefined)
    return [{ what: `${what} at most ${most} ms`, met: ours <= most, figure: milliseconds(ours) }];
  if (others[peer] === undefined) return [];
  const met = ours <= limit * others[peer];
  return [{ what: `${what} at most ${limit} x that of ${peer}`, met, figure: ratio(ours, others[peer]) }];
}
