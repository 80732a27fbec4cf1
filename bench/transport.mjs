// HTTP/1.1 or HTTP/2 to the API server: what many small writes, many watches and a network that goes silent cost over each.
//
//   npm run bench:transport -- [--server real|embedded] [--n 5000] [--concurrency 16] [--watches 50] [--only ours|HTTP/1.1|HTTP/2] [--json FILE]
//
// Each row works in a process of its own, so that CPU and memory are its own. "ours" is the client as it is; the others are bare undici agents
// with the same settings, which is what the protocol alone makes of it.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './lib/main.mjs';
import { startServer } from './lib/server.mjs';
import { seconds, table } from './lib/statistics.mjs';
import { transports } from './lib/transports.mjs';

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    server: { ...text, default: 'real' },
    n: { ...text, default: '5000' },
    concurrency: { ...text, default: '16' },
    watches: { ...text, default: '50' },
    only: text,
    json: text,
  },
});
const NEIGHBOURS = 8;
/** As long as the elector gives a renewal that is not answered, at the default durations. */
const ATTEMPT = 1667;

await (process.send ? measure() : run(main));

async function main() {
  const server = await startServer(values.server);
  const results = [];
  try {
    await server.createConfigMap('transport');
    for (const name of values.only ? [values.only] : Object.keys(transports))
      results.push(await inProcess(name, server.kubeconfig));
  } finally {
    await server.stop();
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ ...values, results }, undefined, 2)}\n`);
  process.stdout.write(`\n${report(results)}\n`);
  return 0;
}

function report(results) {
  const { n, concurrency, watches } = values;
  return table([
    ['', ...results.map(({ name }) => name)],
    row(`${n} patches, ${concurrency} at once`, ({ patches }) => seconds(patches.time)),
    row('  CPU', ({ patches }) => seconds(patches.cpu)),
    row('  sockets opened', ({ patches }) => String(patches.sockets)),
    row(`${watches} watches opened`, ({ watches: { time } }) => seconds(time)),
    row('  sockets opened', ({ watches: { sockets } }) => String(sockets)),
    row('  memory for them', ({ watches: { memory } }) => `${(memory / 2 ** 20).toFixed(1)} MB`),
    row(`a request aborted: its ${NEIGHBOURS} neighbours fail or hang`, ({ abort }) => String(abort.failed)),
    row('the network goes silent: first answer after', ({ silence }) =>
      silence.time === undefined ? '> 30 s' : seconds(silence.time),
    ),
    row('  attempts that failed before it', ({ silence }) => String(silence.failed)),
    row(`requests 5 s apart, 4 of them: handshakes`, ({ rhythm }) => String(rhythm.sockets)),
  ]);

  function row(title, cell) {
    return [title, ...results.map(cell)];
  }
}

function inProcess(name, kubeconfig) {
  process.stderr.write(`${name} ...\n`);
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  child.send({ name, kubeconfig });
  return new Promise((resolve, reject) => {
    child.once('message', (result) => (child.disconnect(), resolve({ name, ...result })));
    child.once('exit', (code) => reject(new Error(`${name} ended with code ${code}`)));
  });
}

/** In the child. */
async function measure() {
  const [{ name, kubeconfig }] = await new Promise((resolve) =>
    process.once('message', (message) => resolve([message])),
  );
  const open = (url) => transports[name](kubeconfig, url);
  const result = {};
  for (const stage of [patches, watches, abort, silence, rhythm]) {
    process.stderr.write(`  ${stage.name}\n`);
    result[stage.name] = await stage(open);
  }
  process.send(result);
}

async function patches(open) {
  const transport = await open();
  await transport.patch(0);
  const before = process.cpuUsage();
  const from = performance.now();
  let next = 1;
  const worker = async () => {
    while (next <= Number(values.n)) await transport.patch(next++);
  };
  await Promise.all(Array.from({ length: Number(values.concurrency) }, worker));
  const time = performance.now() - from;
  const { user, system } = process.cpuUsage(before);
  const { sockets } = transport;
  await transport.close();
  return { time, cpu: (user + system) / 1000, sockets };
}

async function watches(open) {
  const transport = await open();
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const from = performance.now();
  const count = Number(values.watches);
  await Promise.all(Array.from({ length: count }, () => transport.watch()));
  const time = performance.now() - from;
  const memory = process.memoryUsage.rss() - before;
  const { sockets } = transport;
  await transport.close();
  return { time, sockets, memory };
}

/** One of several requests under way is aborted before its answer. */
async function abort(open) {
  const transport = await open();
  await transport.get();
  const aborting = new AbortController();
  const victim = transport.patch(1, aborting.signal).catch(() => {});
  const neighbours = Array.from({ length: NEIGHBOURS }, (_, at) => transport.patch(at + 2));
  setImmediate(() => aborting.abort());
  const outcomes = await Promise.allSettled(neighbours.map(answered));
  await Promise.allSettled([answered(victim)]);
  await Promise.race([transport.close(), sleep(1000)]);
  return { failed: outcomes.filter(({ status }) => status === 'rejected').length };
}

/** An answer that takes this long does not come. */
function answered(request) {
  const late = sleep(10_000, undefined, { ref: false }).then(() => Promise.reject(new Error('no answer')));
  return Promise.race([request, late]);
}

/** Connections that are open go silent, new ones work: a load balancer that forgot them, a server that lost its power. */
async function silence(open) {
  const between = await silencer(new URL((await open()).server));
  const transport = await open(between.url);
  await transport.get();
  between.silence();
  const from = performance.now();
  let failed = 0;
  let time;
  while (time === undefined && performance.now() - from < 30_000) {
    try {
      await Promise.race([transport.get(AbortSignal.timeout(ATTEMPT)), timedOut(ATTEMPT + 100)]);
      time = performance.now() - from;
    } catch {
      failed += 1;
    }
  }
  await Promise.race([transport.close(), sleep(1000)]);
  between.close();
  return { time, failed };
}

async function timedOut(ms) {
  await sleep(ms);
  throw new Error('no answer');
}

async function rhythm(open) {
  const transport = await open();
  for (let turn = 0; turn < 4; turn++) {
    if (turn > 0) await sleep(5000);
    await answered(transport.get());
  }
  const { sockets } = transport;
  await Promise.race([transport.close(), sleep(1000)]);
  return { sockets };
}

async function silencer(target) {
  const pairs = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname);
    near.pipe(far).pipe(near);
    pairs.add([near, far]);
    for (const socket of [near, far]) socket.on('error', () => {});
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${target.protocol}//127.0.0.1:${server.address().port}`,
    silence() {
      for (const [near, far] of pairs) {
        near.unpipe(far).resume();
        far.unpipe(near).resume();
      }
    },
    close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
    },
  };
}
