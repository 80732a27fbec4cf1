import { describe, expect, test } from '@jest/globals';

interface Statistics {
  readonly quantile: (sample: readonly number[], share: number) => number;
  readonly median: (sample: readonly number[]) => number;
  readonly table: (rows: readonly (readonly string[])[]) => string;
  readonly seconds: (ms: number | undefined) => string;
  readonly megabytes: (bytes: number | undefined) => string;
}

interface Result {
  readonly scenario: string;
  readonly count: number;
  readonly bytes: number;
  readonly samples: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

interface Comparison {
  readonly comparisonTable: (results: readonly Result[]) => string;
  readonly aims: (results: readonly Result[]) => readonly { what: string; met: boolean; figure: string }[];
}

/** The benches are plain JavaScript, which the compiler does not look into. */
async function lib<T>(name: string): Promise<T> {
  return (await import(new URL(`../bench/lib/${name}.mjs`, import.meta.url).href)) as T;
}

const { quantile, median, table, seconds, megabytes } = await lib<Statistics>('statistics');
const { comparisonTable, aims } = await lib<Comparison>('comparison');

const sync: Result = {
  scenario: 'sync',
  count: 10_000,
  bytes: 2024,
  samples: {
    time: { ours: [300, 900, 310], 'client-node': [600, 500, 5000], go: [400, 400, 400] },
    settled: { ours: [200e6, 210e6, 220e6], 'client-node': [300e6, 300e6, 300e6], go: [60e6, 60e6, 60e6] },
    stall: { ours: [51.3, 20, 60], 'client-node': [200, 200, 200] },
  },
};

describe('the figures of the benches', () => {
  test('a quantile is the smallest value below which that share of the sample lies', () => {
    const sample = [5, 1, 4, 2, 3];
    expect([0, 0.5, 0.8, 0.81, 1].map((share) => quantile(sample, share))).toEqual([1, 3, 4, 5, 5]);
    expect(median([2, 1])).toBe(1);
  });

  test('quantities are told in the unit that suits them', () => {
    expect([999.4, 1000, 61_234, undefined].map(seconds)).toEqual(['999 ms', '1.00 s', '61.23 s', '-']);
    expect([1.5e6, undefined].map(megabytes)).toEqual(['2 MB', '-']);
  });

  test('a table sets its first column left and the others right', () => {
    expect(
      table([
        ['', 'ours'],
        ['a long name', '1'],
      ]),
    ).toBe('              ours\na long name      1');
  });

  test('the comparison shows medians, the ratio to each peer, and where a peer has no such figure', () => {
    const cells = comparisonTable([sync])
      .split('\n')
      .map((line) => line.split(/ {3,}/).map((cell) => cell.trim()));
    expect(cells).toEqual([
      ['', 'ours', 'client-node', 'ours to it', 'go', 'ours to it'],
      ['sync of 10,000 ConfigMaps of 2.0 KB', ''],
      ['time', '310 ms', '600 ms', '0.52 x', '400 ms', '0.78 x'],
      ['settled memory', '210 MB', '300 MB', '0.70 x', '60 MB', '3.50 x'],
      ['longest stall', '51 ms', '200 ms', '0.26 x', '-', ''],
    ]);
  });

  test('an aim is met by the medians, and left out where there is no such peer', () => {
    const { ours, 'client-node': theirs = [] } = sync.samples['time'] ?? {};
    const verdicts = (result: Result) => aims([result]).map(({ met, figure }) => [met, figure]);
    const [time, memory, stall] = [
      [true, '0.52 x'],
      [false, '0.70 x'],
      [false, '51 ms'],
    ];
    expect(verdicts({ ...sync, count: 50_000 })).toEqual([time, memory, stall]);
    expect(verdicts(sync)).toEqual([time, stall]);
    const alone = { ...sync, samples: { time: { ours: ours ?? [], go: theirs } } };
    expect(aims([alone])).toEqual([]);
  });
});
