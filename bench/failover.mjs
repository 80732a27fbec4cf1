// How fast a leader is replaced, and what that costs the API server: Incumbent beside client-go, on one server, at the same durations.
//
//   npm run bench:failover -- [--server embedded|real] [--kills N] [--stops N] [--parallel N] [--minutes N]
//                             [--preset fast|balanced|slow] [--lease-duration 15s] [--renew-deadline 10s] [--json FILE]
//
// N kills and stops a side, over `parallel` elections a side at a time, three replicas each; beside them one election a side in which nothing
// happens, of which the requests are counted. Exit code 1: a target is missed.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { milliseconds } from '@incumbent/core/client';
import { Election } from './lib/election.mjs';
import { figuresTable, targets } from './lib/failover-report.mjs';
import { run } from './lib/main.mjs';
import { killAll, sides } from './lib/replica.mjs';
import { startServer } from './lib/server.mjs';
import { quantile, seconds, summary } from './lib/statistics.mjs';
import { inWords, ourTimings, theirTimings, timingFlags } from './lib/timings.mjs';

const REPLICAS = 3;

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    server: { ...text, default: 'embedded' },
    kills: { ...text, default: '20' },
    stops: { ...text, default: '20' },
    parallel: { ...text, default: '5' },
    minutes: { ...text, default: '4' },
    preset: text,
    'lease-duration': text,
    'renew-deadline': text,
    json: text,
  },
});
const ours = ourTimings({
  preset: values.preset,
  leaseDuration: optional(values['lease-duration']),
  renewDeadline: optional(values['renew-deadline']),
});
const serverKind = values.server;
const timings = { ours, 'client-go': theirTimings(ours) };

await run(main);

async function main() {
  const programs = Object.entries(sides());
  const server = await startServer(serverKind);
  try {
    const results = await Promise.all(
      programs.map(async ([side, program]) => [side, await measure(server, side, program)]),
    );
    return report(Object.fromEntries(results));
  } finally {
    await killAll();
    await server.stop();
  }
}

/** Everything about one side. */
async function measure(server, side, program) {
  const member = { side, program, flags: timingFlags(timings[side]) };
  const election = (name) =>
    new Election({
      server,
      name,
      members: Array.from({ length: REPLICAS }, () => member),
      patience: 2 * ours.leaseDuration + 10_000,
    });
  const [handovers, requests] = await Promise.all([
    measureHandovers((index) => election(`failover-${side}-${index}`)),
    countRequests(server, election(`quiet-${side}`)),
  ]);
  const crashes = handovers.filter(({ kind }) => kind === 'crash');
  const releases = handovers.filter(({ kind, released }) => kind === 'release' && released);
  return {
    timings: timings[side],
    crash: summary(crashes.map(({ ms }) => ms)),
    graceful: summary(releases.map(({ ms }) => ms)),
    notReleased: handovers.filter(({ kind, released }) => kind === 'release' && !released).length,
    // A takeover sooner than the lease duration after the last renewal would be a fault, not a success.
    earliestTakeover: quantile(crashes.map(({ sinceRenewal }) => sinceRenewal).concat(Infinity), 0),
    requests,
    samples: { crash: crashes.map(({ ms }) => ms), graceful: releases.map(({ ms }) => ms) },
  };
}

async function measureHandovers(election) {
  const parallel = Number(values.parallel);
  const share = (total, index) => Math.floor((Number(total) + index) / parallel);
  const runs = Array.from({ length: parallel }, async (_, index) => {
    const running = election(index);
    await running.start();
    const handovers = [];
    for (let count = 0; count < share(values.kills, index); count++) {
      // Anywhere between two renewals, with every follower long warm.
      await running.settled(ours.renewDeadline / 5 + Math.random() * ours.renewInterval);
      handovers.push(tell(await running.crash()));
    }
    for (let count = 0; count < share(values.stops, index); count++) {
      await running.settled(ours.renewDeadline / 20 + Math.random() * timings['client-go'].retryPeriod);
      handovers.push(tell(await running.release()));
    }
    await running.stop();
    return handovers;
  });
  return (await Promise.all(runs)).flat();
}

/** Requests a minute of the leader, and of a follower, in an election where nothing happens. */
async function countRequests(server, election) {
  await election.start();
  await sleep(ours.renewDeadline / 2);
  const from = Date.now();
  const leader = election.history.holder;
  await sleep(Number(values.minutes) * 60_000);
  const to = Date.now();
  if (election.history.holder !== leader || election.unasked > 0)
    throw new Error(
      'The leader changed in the election where nothing should happen: its requests say nothing.',
    );
  const followers = election.identities.filter((identity) => identity !== leader);
  const counts = server.requestsBetween(from, to);
  const perMinute = (identity) => (counts.get(identity) ?? 0) / Number(values.minutes);
  await election.stop();
  return {
    leader: perMinute(leader),
    follower: followers.reduce((sum, identity) => sum + perMinute(identity), 0) / followers.length,
  };
}

function tell(handover) {
  const { kind, from, to, ms } = handover;
  process.stderr.write(`${kind} of ${from}: ${to} leads after ${seconds(ms)}\n`);
  return handover;
}

function report(results) {
  const machine = { cpus: os.cpus().length, model: os.cpus()[0]?.model, node: process.version };
  const checked = targets(results);
  const all = { server: serverKind, machine, results, targets: checked };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(all, undefined, 2)}\n`);
  say(`\n${serverKind} API server, ${machine.cpus} CPUs`);
  for (const [side, { timings: used }] of Object.entries(results)) say(`${side}: ${inWords(used)}`);
  say(`\n${figuresTable(results)}\n`);
  for (const { what, met, figure } of checked) say(`${met ? 'met   ' : 'MISSED'} ${what}: ${figure}`);
  return checked.every(({ met }) => met) ? 0 : 1;
}

function optional(duration) {
  return duration === undefined ? undefined : milliseconds(duration);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
