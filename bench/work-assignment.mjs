// What it costs to distribute an item, from few items to many. Four members, one of which leads, in this process; their Leases on an embedded
// server, the items in memory, and work that does nothing: what remains is the group's own work, in CPU time for each item from the first assignment to the last result.
//
//   npm run bench:work -- [--items 1000,10000] [--rounds 5] [--members 4] [--capacity 16] [--json FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from '@incumbent/core/client';
import { WorkGroup } from '@incumbent/election';
import { EmbeddedApiServer } from '@incumbent/testing';
import { run } from './lib/main.mjs';
import { MemoryItems } from './lib/memory-items.mjs';
import { quantile, table } from './lib/statistics.mjs';

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    items: { ...text, default: '1000,10000' },
    rounds: { ...text, default: '5' },
    members: { ...text, default: '4' },
    capacity: { ...text, default: '16' },
    json: text,
  },
});
const sizes = values.items.split(',').map(Number);
const [rounds, members, capacity] = [values.rounds, values.members, values.capacity].map(Number);

await run(main);

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-bench-'));
  const server = await EmbeddedApiServer.start();
  try {
    const kubeconfig = path.join(folder, 'kubeconfig');
    await server.writeKubeconfig(kubeconfig);
    // The first round warms up, and does not count.
    const results = sizes.map((items) => ({ items, microseconds: [], writes: 0 }));
    for (let round = 0; round <= rounds; round++)
      for (const result of results) {
        const { microseconds, writes } = await distribute(
          kubeconfig,
          `${round}-${result.items}`,
          result.items,
        );
        if (round > 0) result.microseconds.push(microseconds);
        result.writes = writes;
      }
    return report(results);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

/** One group from its start to its last item. */
async function distribute(kubeconfig, name, count) {
  const connection = await connect({ kubeconfig });
  const stop = new AbortController();
  const items = new MemoryItems(count);
  const running = Array.from({ length: members }, () =>
    new WorkGroup({ connection, name: `bench-${name}`, preset: 'fast', capacity, items }).run({
      work: async (item) => item,
      signal: stop.signal,
    }),
  );
  await items.done;
  const { user, system } = process.cpuUsage(items.startedAt);
  stop.abort();
  await Promise.all(running);
  await connection.close();
  return { microseconds: (user + system) / count, writes: items.writes / count };
}

function report(results) {
  const rows = results.map(({ items, microseconds, writes }) => ({
    items,
    median: quantile(microseconds, 0.5),
    min: quantile(microseconds, 0),
    max: quantile(microseconds, 1),
    writes,
  }));
  const [first, last] = [rows[0], rows.at(-1)];
  const ratio = last.median / first.median;
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ members, capacity, rows, ratio }, undefined, 2)}\n`);
  const cells = ({ items, median, min, max, writes }) => [
    String(items),
    ...[median, min, max].map((value) => `${value.toFixed(0)} µs`),
    writes.toFixed(2),
  ];
  const head = ['items', 'CPU per item', 'min', 'max', 'writes per item'];
  process.stdout.write(`${table([head, ...rows.map(cells)])}\n\n`);
  process.stdout.write(
    `Per item, ${last.items} items cost ${ratio.toFixed(2)} times what ${first.items} cost.\n`,
  );
  return 0;
}
