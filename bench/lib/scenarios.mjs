// What is measured. Each scenario has ConfigMaps of its own; in every round each contestant has its turn, in another order.
import { setTimeout as sleep } from 'node:timers/promises';
import { countConnections } from './bench-server.mjs';
import { Contestant } from './contestant.mjs';
import { quantile, seconds } from './statistics.mjs';

const CATCH_UP = { count: 10_000 };
const LATENCY = { count: 1000, updates: 500, every: 10 };
const RECONCILES = { count: 5000 };

/**
 * @typedef {object} Setting
 * @property {Awaited<ReturnType<typeof import('./bench-server.mjs').startServer>>} server
 * @property {import('./config-maps.mjs').ConfigMaps} configMaps
 * @property {Record<string, { program: string, words: string[] }>} contestants
 * @property {number} rounds
 * @property {readonly number[]} sizes - of the cache, in `sync`
 *
 * @typedef {Record<string, Record<string, number[]>>} Samples - by metric and contestant, one a round
 * @typedef {{ scenario: string, count: number, bytes: number, samples: Samples }} Result
 */

/** @type {Record<string, (setting: Setting) => Promise<Result[]>>} */
export const scenarios = {
  async sync(setting) {
    const results = [];
    for (const count of setting.sizes) results.push(await populated('sync', count, setting, sync));
    return results;
  },
  'catch-up': async (setting) => [await populated('catch-up', CATCH_UP.count, setting, catchUp)],
  latency: async (setting) => [await populated('latency', LATENCY.count, setting, latency)],
  reconciles: async (setting) => [await populated('reconciles', RECONCILES.count, setting, reconciles)],
};

async function populated(scenario, count, setting, measure) {
  const namespace = `${scenario}-${count}`;
  const from = performance.now();
  process.stderr.write(`${scenario}: writing ${count} ConfigMaps\n`);
  const bytes = await setting.configMaps.populate(namespace, count);
  process.stderr.write(`  written in ${seconds(performance.now() - from)}\n`);
  const stage = new Stage({ ...setting, namespace, count, act: scenario });
  await measure(stage, setting);
  return { scenario, count, bytes, samples: stage.samples };
}

/** Starts contestants, and keeps what is measured of them. */
class Stage {
  /** @type {Samples} */
  samples = {};
  #setting;

  constructor(setting) {
    this.#setting = setting;
  }

  /** The turns of a round. Who goes first in one goes last in the next. */
  turns(round) {
    const names = Object.keys(this.#setting.contestants);
    return names.map((_, turn) => names[(turn + round) % names.length]);
  }

  get rounds() {
    return Array.from({ length: this.#setting.rounds }, (_, round) => round);
  }

  start(name, { mark = '', kubeconfig = this.#setting.server.kubeconfig } = {}) {
    const { contestants, act, namespace, count } = this.#setting;
    return Contestant.start(name, contestants[name], { act, kubeconfig, namespace, expect: count, mark });
  }

  note(name, figures) {
    for (const [metric, figure] of Object.entries(figures))
      ((this.samples[metric] ??= {})[name] ??= []).push(figure);
    const told = Object.entries(figures).map(([metric, figure]) => `${metric} ${Math.round(figure)}`);
    process.stderr.write(`  ${name}: ${told.join(', ')}\n`);
  }

  async eachTurn(turn) {
    for (const round of this.rounds)
      for (const name of this.turns(round)) await this.attempt(name, () => turn(name, round));
  }

  /** A peer that fails is told of, and goes without a figure; the others have theirs. */
  async attempt(name, act) {
    try {
      await act();
    } catch (error) {
      if (name === 'ours') throw error;
      process.stderr.write(`  ${name} failed: ${error.message}\n`);
    }
  }
}

async function sync(stage) {
  await stage.eachTurn(async (name) => {
    const contestant = await stage.start(name);
    const { resident: atStart } = contestant.memory();
    const { time, cpu, stall, objects } = await contestant.command('go');
    await contestant.command('settle');
    const { resident: settled, peak } = contestant.memory();
    const read = await contestant.command('read');
    await contestant.command('settle');
    const { resident: settledAfterRead } = contestant.memory();
    await contestant.stop();
    if (objects !== read.objects)
      throw new Error(`${name} has ${objects} objects and reads ${read.objects}.`);
    if (!(read.characters > 0)) throw new Error(`${name} has objects without data.`);
    const memory = { atStart, settled, peak, settledAfterRead };
    // Goroutines are not one loop: a contestant without one tells of no stall.
    stage.note(name, { time, cpu, ...memory, readCpu: read.cpu, ...(stall !== undefined && { stall }) });
  });
}

/** All are frozen, miss the same updates, and are then woken one by one. */
async function catchUp(stage, { configMaps }) {
  for (const round of stage.rounds) {
    const mark = `round-${round}`;
    const frozen = [];
    for (const name of stage.turns(round))
      await stage.attempt(name, async () => {
        const contestant = await stage.start(name, { mark });
        await contestant.command('go');
        await contestant.command('wait');
        contestant.signal('SIGSTOP');
        frozen.push(contestant);
      });
    await configMaps.mark(`catch-up-${CATCH_UP.count}`, { ...CATCH_UP, mark });
    for (const contestant of frozen)
      await stage.attempt(contestant.name, async () => {
        const { time, cpu } = await contestant.command('catch-up', { signal: 'SIGCONT' });
        stage.note(contestant.name, { time, cpu });
        await contestant.stop();
      });
  }
}

async function latency(stage, { configMaps }) {
  await stage.eachTurn(async (name) => {
    const contestant = await stage.start(name);
    await contestant.command('go');
    // What a controller does at its start is over by then.
    await sleep(1000);
    await configMaps.update(`latency-${LATENCY.count}`, LATENCY);
    await sleep(500);
    const { samples } = await contestant.command('samples');
    await contestant.stop();
    const told = samples.length - LATENCY.updates;
    if (told < 0) throw new Error(`${name} did not reconcile ${-told} of ${LATENCY.updates} updates.`);
    const fresh = samples.slice(-LATENCY.updates);
    stage.note(name, { p50: quantile(fresh, 0.5), p99: quantile(fresh, 0.99) });
  });
}

async function reconciles(stage, { server }) {
  const proxy = await countConnections(server);
  try {
    await stage.eachTurn(async (name, round) => {
      const contestant = await stage.start(name, {
        mark: `${name}-${round}`,
        kubeconfig: proxy.kubeconfig,
      });
      const before = await proxy.opened();
      const { time, cpu } = await contestant.command('go');
      const sockets = (await proxy.opened()) - before;
      await contestant.stop();
      stage.note(name, { time, cpu, sockets });
    });
  } finally {
    await proxy.stop();
  }
}
