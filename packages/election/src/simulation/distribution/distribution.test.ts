import { describe, expect, test } from '@jest/globals';
import { resolveTimings } from '../../elector/options.js';
import { type Failure, runBatch } from '../batch.js';
import { FAULTS, type Fault, type FaultKind } from '../fault.js';
import { DISTRIBUTION } from './distribution.js';
import { runWorkHistory } from './history.js';
import { WORK_MUTATIONS } from './mutations.js';
import type { WorkScenario } from './scenario.js';

/** Histories within which each mutation must be noticed. The most hidden one shows in one of 375, which a second run of seeds comes to soon. */
const SEEDS = [
  { seed: 1, count: 300 },
  { seed: 1001, count: 100 },
];

test('a work group keeps its promises in 60 histories with every kind of fault', async () => {
  const batch = await runBatch(DISTRIBUTION, { seed: 1, count: 60 });
  expect(batch.failures).toEqual([]);
  expect(batch.counts['items']).toBeGreaterThan(1800);
  expect(batch.counts['assignments']).toBeGreaterThan((batch.counts['items'] ?? 0) + 150);
  expect(batch.counts['revocations']).toBeGreaterThan(30);
  for (const kind of DISTRIBUTION.faults) expect([kind, batch.faults[kind] > 10]).toEqual([kind, true]);
}, 180_000);

test('a history repeats itself to the last event', async () => {
  const [first, second] = [await traceOf(7), await traceOf(7)];
  expect(first.length).toBeGreaterThan(100);
  expect(second).toEqual(first);
});

test.each(WORK_MUTATIONS.map(({ name }, mutation) => ({ name, mutation })))(
  'it notices when $name',
  async ({ mutation }) => {
    const failures: Failure[] = [];
    for (const seeds of SEEDS) {
      if (failures.length > 0) break;
      failures.push(...(await runBatch(DISTRIBUTION, { ...seeds, mutation, untilFailure: true })).failures);
    }
    expect(failures).toHaveLength(1);
  },
  180_000,
);

describe('without other faults', () => {
  const D = 5000;

  test.each([[[1]], [[0, 1]], [[0, 2]], [[1, 2]]])(
    'what members %j had when they died is with others within a lease duration, also if one of them led',
    async (dying) => {
      const faults = dying.map((replica) => fault('crash', replica));
      const { assignments } = await played({ faults, items: 8 });
      const orphans = assignments.filter(({ at, replica }) => at < AT && dying.includes(replica));
      expect(orphans.length).toBeGreaterThan(1);
      for (const { item } of orphans) {
        // What a dying leader gave to a dying member in its last moment is moved once more.
        const next = assignments.find(
          (other) => other.item === item && other.at > AT && !dying.includes(other.replica),
        );
        expect(next?.at).toBeLessThan(AT + D + 500);
      }
    },
  );

  test('what a member had when it left is with others as soon as its work has ended', async () => {
    const { assignments } = await played({ faults: [fault('stop', 1)] });
    const orphans = assignments.filter(({ at, replica }) => at < AT && replica === 1);
    expect(orphans.length).toBeGreaterThan(3);
    // Its work ends within the step that is running: half a second.
    for (const { item } of orphans)
      expect(assignments.find((other) => other.item === item && other.at > AT)?.at).toBeLessThan(AT + 600);
  });

  test('a member that is asked to leave gets nothing new while its work ends', async () => {
    const faults = [fault('stop', 1), { ...fault('stubborn work', 1), at: AT - 1, lasts: 4000 }];
    const { assignments, lines } = await played({ faults, items: 60, steps: 3 });
    const left = lines.findIndex((line) => /pod-1\/\d exits/.test(line));
    expect(left).toBeGreaterThan(0);
    const late = assignments.filter(({ at, replica }) => replica === 1 && at > AT + 50 && at < AT + 4000);
    expect(late).toEqual([]);
  });

  test('a member that joins is given a share of what runs, and no item moves twice', async () => {
    const gone = { ...fault('crash', 1), at: 0, lasts: 10_000 };
    const { assignments, result } = await played({ faults: [gone], items: 12 });
    const moved = assignments.filter(({ at }) => at > 9000);
    expect(moved.map(({ replica }) => replica)).toEqual(moved.map(() => 1));
    expect(moved).toHaveLength(4);
    expect(new Set(moved.map(({ item }) => item)).size).toBe(4);
    expect(result.counts['revocations']).toBe(4);
  });
});

const AT = 20_000;

function fault(kind: FaultKind, replica: number): Fault {
  expect(FAULTS[kind]).toBeDefined();
  return { kind, replica, at: AT, lasts: 100_000, electionOnly: false, degree: 1 };
}

interface Assigned {
  readonly at: number;
  readonly item: string;
  readonly replica: number;
}

/** Three members with room for eight each. */
async function played({
  faults,
  items = 15,
  steps = 100,
}: {
  readonly faults: readonly Fault[];
  readonly items?: number;
  readonly steps?: number;
}) {
  const lines: string[] = [];
  const scenario: WorkScenario = {
    seed: 3,
    timings: resolveTimings({ preset: 'fast', drainGrace: '10s' }),
    machines: [0, 1, 2].map(() => ({ rate: 1, wallOffset: 0 })),
    samePod: false,
    stepped: undefined,
    transit: 1000,
    faults: faults.toSorted((a, b) => a.at - b.at),
    calm: 120_000,
    end: 120_000,
    items: Array.from({ length: items }, (_, index) => ({ name: `item-${index}`, at: 0, steps })),
    capacities: [8, 8, 8],
  };
  const result = await runWorkHistory(scenario, { trace: (line) => lines.push(line) });
  expect(result.violations).toEqual([]);
  return { result, lines, assignments: lines.flatMap(assignmentIn) };
}

const STORED = /^([\d.]+) s stored (item-\d+) \S+ .*"work.incumbent.dev\/session":"pod-(\d)/;

/** Not every state of an item: those in which it is newly assigned. */
function assignmentIn(line: string, index: number, lines: readonly string[]): Assigned[] {
  const found = STORED.exec(line);
  if (!found || line.includes('"result"') || line.includes('revoked')) return [];
  const [, at, item = '', replica] = found;
  const epoch = /"work.incumbent.dev\/epoch":"\d+"/.exec(line)?.[0] ?? '';
  const isNew = !lines.slice(0, index).some((other) => other.includes(`${item} `) && other.includes(epoch));
  return isNew ? [{ at: Number(at) * 1000, item, replica: Number(replica) }] : [];
}

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await DISTRIBUTION.run(DISTRIBUTION.scenarioOf(seed), { trace: (line) => lines.push(line) });
  return lines;
}
