// How long an outage of the API server a leader survives. Electors lead on Leases of their own, at times that are spread over the renew
// interval; then the server turns everything away for so long, or does not answer at all, and those that kept their term are counted.
//
//   npm run bench:outage -- [--preset fast|balanced|slow] [--electors 12] [--from 1s] [--to 4s] [--step 500ms] [--json FILE]
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Connection, milliseconds } from '@incumbent/core/client';
import { LeaderElector } from '@incumbent/election';
import { EmbeddedApiServer, FaultProxy, loseRequests, serverError } from '@incumbent/testing';
import { run } from './lib/main.mjs';
import { seconds, table } from './lib/statistics.mjs';
import { inWords, ourTimings } from './lib/timings.mjs';

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    preset: { ...text, default: 'fast' },
    electors: { ...text, default: '12' },
    from: text,
    to: text,
    step: text,
    json: text,
  },
});
const timings = ourTimings(values);
const { renewDeadline, renewInterval, retryPeriod } = timings;

/** What the leaders see of it: an error at once, or nothing until their patience is at its end. */
const OUTAGES = {
  'turned away (503)': () => serverError({ status: 503 }),
  'no answer': () => loseRequests({ seenAs: 'silence' }),
};

const lengths = series(
  milliseconds(values.from ?? Math.max(renewDeadline - renewInterval - 2 * retryPeriod, retryPeriod)),
  milliseconds(values.to ?? renewDeadline + retryPeriod / 2),
  milliseconds(values.step ?? retryPeriod / 2),
);

const results = [];

await run(main);

async function main() {
  for (const [name, fault] of Object.entries(OUTAGES))
    for (const length of lengths) results.push(await strike(name, fault, length));
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ timings, results }, undefined, 2)}\n`);
  say(`\n${values.preset}: ${inWords(timings)}\n`);
  const names = Object.keys(OUTAGES);
  say(table([['outage', ...names], ...lengths.map((length) => row(names, length))]));
  return 0;
}

function row(names, length) {
  const cells = names.map((name) => results.find((one) => one.name === name && one.length === length));
  return [seconds(length), ...cells.map(({ kept, electors }) => `${kept} of ${electors}`)];
}

/** One outage on a fresh server: who kept the term in which it began? */
async function strike(name, fault, length) {
  const server = await EmbeddedApiServer.start();
  const proxy = await FaultProxy.start({ target: { url: server.url, token: server.adminToken } });
  const stopping = new AbortController();
  const terms = [];
  const runs = [];
  const electors = Number(values.electors);
  for (let index = 0; index < electors; index++) {
    runs.push(lead(proxy, `outage-${index}`, { terms, index, signal: stopping.signal }));
    await sleep(renewInterval / electors);
  }
  await sleep(renewInterval / 2);
  const before = terms.map(([first]) => first);
  const lift = proxy.use(fault());
  await sleep(length);
  await lift();
  await sleep(renewDeadline);
  const kept = before.filter(
    (term, index) => term !== undefined && term.remaining() > 0 && terms[index].length === 1,
  ).length;
  stopping.abort();
  await Promise.all(runs);
  await proxy.stop();
  await server.stop();
  process.stderr.write(`${name}, ${seconds(length)}: ${kept} of ${electors} kept their term\n`);
  return { name, length, kept, electors };
}

async function lead(proxy, name, { terms, index, signal }) {
  const token = proxy.access().token;
  const connection = new Connection({
    server: proxy.url,
    credentials: { current: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: {} }) },
  });
  terms[index] = [];
  const elector = new LeaderElector({ connection, namespace: 'default', name, identity: name, ...timings });
  await elector.run({
    signal,
    leading: async (term) => {
      terms[index].push(term);
      if (!term.signal.aborted)
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
    },
  });
  await connection.close();
}

function series(from, to, step) {
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, index) => from + index * step);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
