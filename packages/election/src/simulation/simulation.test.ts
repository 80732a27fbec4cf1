import { expect, test } from '@jest/globals';
import { runBatch } from './batch.js';
import { ELECTION } from './election.js';
import { FAULT_KINDS } from './fault.js';
import { runHistory } from './history.js';
import { MUTATIONS } from './mutations.js';
import { scenarioOf } from './scenario.js';
import { shrink } from './shrink.js';

/** Histories within which each mutation must be noticed: more than three times what the most hidden one takes. */
const ENOUGH = 1000;

test('an election keeps its promises in 300 histories with every kind of fault', async () => {
  const batch = await runBatch(ELECTION, { seed: 1, count: 300 });
  expect(batch.failures).toEqual([]);
  expect(batch.counts['handovers']).toBeGreaterThan(1500);
  for (const kind of FAULT_KINDS) expect([kind, batch.faults[kind] > 50]).toEqual([kind, true]);
}, 60_000);

test('a history has at least three replicas, twenty lease durations and each kind of fault', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { machines, timings, end, faults } = scenarioOf(seed);
    expect(machines.length).toBeGreaterThanOrEqual(3);
    expect(end).toBeGreaterThanOrEqual(20 * timings.leaseDuration);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(FAULT_KINDS.length);
  }
});

test('a history repeats itself to the last event', async () => {
  const [first, second] = await Promise.all([traceOf(7), traceOf(7)]);
  expect(first.length).toBeGreaterThan(100);
  expect(second).toEqual(first);
  expect(await traceOf(8)).not.toEqual(first);
});

test.each(MUTATIONS.map(({ name }, mutation) => ({ name, mutation })))(
  'it notices when $name',
  async ({ mutation }) => {
    const { failures } = await runBatch(ELECTION, { seed: 1, count: ENOUGH, mutation, untilFailure: true });
    expect(failures).toHaveLength(1);
  },
  60_000,
);

test('a failing history shrinks to the faults that matter', async () => {
  const mutation = MUTATIONS.findIndex(({ name }) => name.startsWith('suspend does not count'));
  const { failures } = await runBatch(ELECTION, { seed: 1, count: ENOUGH, untilFailure: true, mutation });
  const [failure] = failures;
  if (!failure) throw new Error('The mutation was not noticed.');
  const shrunk = await shrink(ELECTION, scenarioOf(failure.seed), { property: failure.property, mutation });
  expect(shrunk.faults.map(({ kind }) => kind)).toContain('suspend');
  expect(shrunk.faults.length).toBeLessThan(10);
}, 60_000);

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await runHistory(scenarioOf(seed), { trace: (line) => lines.push(line) });
  return lines;
}
