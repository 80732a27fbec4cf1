// The runtime beside its peers, in one run on one API server: how long a cache takes to fill and how large it is then, to catch up after
// a pause, from an event to its reconcile, and through thousands of reconciles that write.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { startServer } from './lib/bench-server.mjs';
import { aims, comparisonTable, medians } from './lib/comparison.mjs';
import { ConfigMaps } from './lib/config-maps.mjs';
import { killAll } from './lib/contestant.mjs';
import { run } from './lib/main.mjs';
import { contestants } from './lib/peers.mjs';
import { scenarios } from './lib/scenarios.mjs';

const HELP = `npm run bench -- [options]

Ours beside client-node's informer and controller-runtime, each a process of its own, on one API server. They take turns; each figure is
the median of the rounds. CPU and memory are the kernel's figures for the process, so this needs Linux. All of it takes
6 to 9 minutes on 2 cores.

  --only LIST      of ${Object.keys(scenarios).join(', ')}; all of them
  --n LIST         how many objects the cache of "sync" holds; 10000,50000
  --peers LIST     of client-node, controller-runtime (protobuf, as it is for built-in kinds), controller-runtime-json (as it is for
                   custom resources), or none; client-node,controller-runtime. Where there is no Go, those in Go are left out
  --rounds N       3
  --server KIND    real (needs KUBEBUILDER_ASSETS, or what tools/control-plane/build.mjs built) or embedded; real where it can be
  --json FILE      writes every sample there

Exit code 1: an aim is missed.
`;

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    only: { ...text, default: Object.keys(scenarios).join(',') },
    n: { ...text, default: '10000,50000' },
    peers: { ...text, default: 'client-node,controller-runtime' },
    rounds: { ...text, default: '3' },
    server: text,
    json: text,
    help: { type: 'boolean', default: false },
  },
});

if (values.help) say(HELP);
else await run(main);

async function main() {
  const chosen = list(values.only);
  const unknown = chosen.find((name) => !(name in scenarios));
  if (unknown)
    throw new Error(`There is no "${unknown}" to measure: use ${Object.keys(scenarios).join(', ')}.`);
  const programs = contestants(values.peers === 'none' ? [] : list(values.peers));
  const server = await startServer(values.server ?? 'real').catch((error) => {
    if (values.server) throw error;
    process.stderr.write(`The embedded API server takes the place of a real one. ${error.message}\n`);
    return startServer('embedded');
  });
  const configMaps = await ConfigMaps.over(server);
  try {
    const setting = {
      server,
      configMaps,
      contestants: programs,
      rounds: wholeNumber('rounds', values.rounds),
      sizes: list(values.n).map((size) => wholeNumber('n', size)),
    };
    const results = [];
    for (const name of chosen) results.push(...(await scenarios[name](setting)));
    return report(server.kind, results);
  } finally {
    await killAll();
    await configMaps.close();
    await server.stop();
  }
}

function report(server, results) {
  const machine = { cpus: os.cpus().length, model: os.cpus()[0]?.model, node: process.version };
  const checked = aims(results);
  const figures = results.map((result) => ({ ...result, medians: medians(result) }));
  const all = { server, machine, rounds: Number(values.rounds), results: figures, aims: checked };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(all, undefined, 2)}\n`);
  say(`\n${server} API server, ${machine.cpus} CPUs, medians of ${values.rounds} rounds\n`);
  say(`${comparisonTable(results)}\n`);
  for (const { what, met, figure } of checked) say(`${met ? 'met   ' : 'MISSED'} ${what}: ${figure}`);
  return checked.every(({ met }) => met) ? 0 : 1;
}

function list(words) {
  return words.split(',').filter((word) => word !== '');
}

function wholeNumber(name, word) {
  const number = Number(word);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${name} has "${word}": write a whole number above zero.`);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
