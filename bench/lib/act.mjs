// The contestants' side of a measurement: a process that obeys commands, one line each, and answers each by a line of JSON.
//
// Every contestant knows the same acts, `sync`, `catch-up`, `latency` and `reconciles`, and in each act the same commands:
//   go        start following the ConfigMaps of `namespace`: until synced, or in `reconciles` until each has been patched
//   read      (sync) read the data of every object once
//   wait      (catch-up) from now on look out for `mark`, which each object will get
//   catch-up  (catch-up) until each object that is known has the mark
//   samples   (latency) milliseconds from the sending of each update to its reconcile
//   settle    free what can be freed
// bench/controller-runtime is the same in Go.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/** Reconciles at a time, in every contestant. */
export const CONCURRENCY = 8;
/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 2;

/**
 * @typedef {{ kubeconfig: string, namespace: string, expect: number, mark: string }} ActOptions
 * @typedef {Record<string, () => Promise<object>>} Act
 */

/** @param {Record<string, (options: ActOptions) => Promise<Act>>} acts */
export async function perform(acts) {
  const text = /** @type {const} */ ({ type: 'string' });
  const options = { act: text, kubeconfig: text, namespace: text, expect: text, mark: text };
  const { values } = parseArgs({ options });
  const act = await acts[values.act]({ ...values, expect: Number(values.expect) });
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  loop.enable();
  tell('ready', {});
  // When the commands end, whoever gave them has gone.
  for await (const name of createInterface({ input: process.stdin })) {
    loop.reset();
    const result = await { settle, ...act }[name]();
    tell(name, { ...result, stall: Math.max(loop.max / 1e6 - RESOLUTION, 0) });
  }
  process.exit(0);
}

/** The machine's monotonic time in milliseconds, the same for all its processes. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Notes objects with the mark; resolves `all` when as many as expected have had it. */
export class Marked {
  /** @type {Promise<void>} */
  all;
  #mark;
  #expect;
  #seen = new Set();
  #done;

  /** @param {Pick<ActOptions, 'mark' | 'expect'>} options */
  constructor({ mark, expect }) {
    this.#mark = mark;
    this.#expect = expect;
    this.all = new Promise((resolve) => (this.#done = resolve));
  }

  look({ metadata, data }) {
    if (data?.mark !== this.#mark) return;
    this.#seen.add(metadata.name);
    if (this.#seen.size === this.#expect) this.#done();
  }
}

/** Milliseconds from sending to reconcile, once for each update. */
export class Latencies {
  samples = [];
  #told = new Map();

  note({ metadata, data }) {
    const sentAt = data?.sentAt;
    if (sentAt === undefined || this.#told.get(metadata.name) === sentAt) return;
    this.#told.set(metadata.name, sentAt);
    this.samples.push(now() - Number(sentAt));
  }
}

export function characters(objects) {
  let sum = 0;
  for (const { data } of objects) for (const value of Object.values(data ?? {})) sum += value.length;
  return sum;
}

async function settle() {
  for (let round = 0; round < 2; round++) {
    globalThis.gc();
    await sleep(500);
  }
  return {};
}

function tell(event, fields) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}
