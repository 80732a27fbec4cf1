// A fleet of both kinds: in each election one Incumbent replica and one client-go replica share a Lease. The leader is killed or stopped, the
// other takes over, the fallen one comes back, and so on. Every leader writes into a ConfigMap while it leads, and the order in which the
// server accepted the writes tells whether two led at once.
//
//   npm run test:mixed -- [--handovers 300] [--server embedded|real] [--parallel 3] [--kinds crash,release,pause] [--json FILE]
//
// Exit code 1: our side was at fault; what client-go did by itself is counted apart. 2: the fleet itself failed. 3: no Go toolchain here.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Election } from './lib/election.mjs';
import { run } from './lib/main.mjs';
import { judge } from './lib/overlap.mjs';
import { killAll, sides } from './lib/replica.mjs';
import { startServer } from './lib/server.mjs';
import { quantile, seconds, table } from './lib/statistics.mjs';
import { timingFlags } from './lib/timings.mjs';

const FAILED = 2;
const NO_GO = 3;
/** Methods of an election; a pause freezes the leader until the other leads. */
const KINDS = ['crash', 'release', 'pause'];
/** As short as seconds allow: D, N, and for client-go how often it tries. */
const DURATIONS = { leaseDuration: 2000, renewDeadline: 1400 };
const TIMINGS = {
  ours: { ...DURATIONS, renewInterval: 700, retryPeriod: 250 },
  'client-go': { ...DURATIONS, retryPeriod: 300 },
};

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    handovers: { ...text, default: '300' },
    server: { ...text, default: 'embedded' },
    parallel: { ...text, default: '3' },
    kinds: { ...text, default: 'crash,release' },
    json: text,
  },
});
const serverKind = values.server;
const kinds = values.kinds.split(',');
if (!kinds.every((kind) => KINDS.includes(kind)))
  throw new Error(`--kinds is "${values.kinds}": use ${KINDS.join(', ')}, with commas between.`);

await run(main, FAILED);

async function main() {
  const programs = sides();
  if (!programs['client-go']) return NO_GO;
  const server = await startServer(serverKind);
  try {
    const parallel = Math.min(Number(values.parallel), Number(values.handovers));
    const runs = Array.from({ length: parallel }, (_, index) =>
      alternate(server, programs, {
        name: `mixed-${index}`,
        handovers: Math.floor((Number(values.handovers) + index) / parallel),
      }),
    );
    return report(await Promise.all(runs));
  } finally {
    await killAll();
    await server.stop();
  }
}

/** One election: its handovers, and what was out of order in it. */
async function alternate(server, programs, { name, handovers: wanted }) {
  await server.createConfigMap(name);
  const writes = [];
  const unsubscribe = server.onWrite((write) => {
    if (write.resource === 'configmaps' && write.name === name) writes.push(write);
  });
  const members = Object.entries(programs).map(([side, program]) => ({
    side,
    program,
    flags: { ...timingFlags(TIMINGS[side]), 'write-to': name, 'write-every': '20ms' },
  }));
  const election = new Election({ server, name, members, patience: 30_000 });
  await election.start();
  const handovers = [];
  while (handovers.length < wanted) {
    // Both sides have every kind done to them: they take turns at leading, the kinds change every second time.
    const kind = kinds[Math.floor(handovers.length / 2) % kinds.length];
    await election.settled(100 + Math.random() * TIMINGS.ours.renewInterval);
    handovers.push(tell(await election[kind]()));
  }
  await sleep(DURATIONS.renewDeadline);
  await election.stop();
  unsubscribe();
  const { events } = election.history;
  const acquired = events.filter(({ kind }) => kind === 'acquired').length;
  return { handovers, unplanned: acquired - 1 - handovers.length, ...judge(writes, events, serverKind) };
}

function tell(handover) {
  const { kind, from, to, ms } = handover;
  process.stderr.write(`${kind} of ${from}: ${to} leads after ${seconds(ms)}\n`);
  return handover;
}

function report(elections) {
  const [handovers, overlaps] = ['handovers', 'overlaps'].map((what) =>
    elections.flatMap((one) => one[what]),
  );
  const sum = (what) => elections.reduce((total, one) => total + one[what], 0);
  const atFault = (side) => overlaps.filter(({ who }) => Election.sideOf(who) === side);
  const result = {
    server: serverKind,
    handovers: handovers.length,
    groups: groups(handovers),
    writes: sum('work'),
    unplanned: sum('unplanned'),
    notReleased: handovers
      .filter(({ kind, released }) => kind === 'release' && !released)
      .map(({ from }) => from),
    overlaps: { ours: atFault('ours'), clientGo: atFault('client-go') },
  };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  say(
    `\n${handovers.length} handovers in ${elections.length} elections, ${serverKind} API server, ${result.writes} writes of leaders\n`,
  );
  say(
    table([
      ['', 'n', 'p50', 'max'],
      ...result.groups.map(({ name, count, p50, max }) => [name, String(count), seconds(p50), seconds(max)]),
    ]),
  );
  say(
    `\nchanges of leader that nobody caused: ${result.unplanned}; stops that did not release: ${result.notReleased.length}`,
  );
  for (const [side, found] of Object.entries(result.overlaps)) {
    say(`out of order, ${side === 'ours' ? 'by our side' : "by client-go's own doing"}: ${found.length}`);
    for (const { what, who, holder } of found.slice(0, 5))
      say(`  ${who} ${what}${holder ? ` (${holder})` : ''}`);
  }
  return result.overlaps.ours.length === 0 ? 0 : 1;
}

/** By kind and direction. */
function groups(handovers) {
  const grouped = Map.groupBy(
    handovers,
    ({ kind, from, to }) => `${kind}, ${Election.sideOf(from)} to ${Election.sideOf(to)}`,
  );
  return [...grouped]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => {
      const sample = members.map(({ ms }) => ms);
      return { name, count: sample.length, p50: quantile(sample, 0.5), max: quantile(sample, 1) };
    });
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
