import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServerKind } from '@incumbent/testing';
import { Campaign } from './campaign.js';
import { problemsIn } from './judge.js';
import { STORMS } from './storms.js';

const server = (process.env['INCUMBENT_TEST_SERVER'] ?? 'embedded') as ServerKind;
/** Some hundreds, unless `npm run test:runtime` says otherwise. */
const objects = Number(process.env['INCUMBENT_TEST_OBJECTS'] ?? 300);
const seed = Number(process.env['INCUMBENT_TEST_SEED'] ?? 1);
/** Limits of minutes are reached in seconds; a real server keeps its own time. */
const speed = server === 'real' ? 1 : objects > 1000 ? 5 : 30;
/** An idle limit of 90 s, then a pause of a minute at most, and the work. */
const patience = Math.ceil(200_000 / speed) + 10_000 + objects * 5;

describe(`an informer, its queue and a controller over ${objects} objects, on the ${server} API server`, () => {
  let campaign: Campaign | undefined;

  beforeAll(async () => {
    campaign = await Campaign.start({ server, objects, speed, seed, patience });
  }, 300_000);

  afterAll(() => campaign?.stop(), 60_000);

  test.each(STORMS)(
    'miss no key through $name',
    async (storm) => {
      const report = await campaign?.endure(storm);
      expect(report?.told).toBeGreaterThan(0);
      if (objects > 1000) process.stderr.write(`${JSON.stringify(report)}\n`);
    },
    patience + 120_000,
  );
});

describe('the judge of what a follower missed', () => {
  const [first, second] = [
    { uid: 'a', version: '1' },
    { uid: 'b', version: '2' },
  ];
  const looks = { 'the queue': new Map([['x', '2']]) };

  test('has nothing to say when all agree, whatever happened in between', () => {
    const server = new Map([['x', second]]);
    const told = [
      { type: 'added', key: 'x', ...first },
      { type: 'deleted', key: 'x', ...first },
      { type: 'added', key: 'x', ...second },
    ] as const;
    expect(problemsIn({ server, lister: server, told, looks })).toEqual([]);
  });

  test('names the last change that a handler, a lister or a look by key has missed', () => {
    const server = new Map([['x', { uid: 'b', version: '3' }]]);
    const told = [{ type: 'added', key: 'x', ...second }] as const;
    expect(problemsIn({ server, lister: new Map([['x', second]]), told, looks })).toEqual([
      'x is 3 of b, the lister knows 2 of b.',
      'x is 3 of b, the handler knows 2 of b.',
      'x is 3, the queue last saw 2.',
    ]);
  });

  test('names an object that is gone and still known', () => {
    const told = [{ type: 'added', key: 'x', ...second }] as const;
    expect(problemsIn({ server: new Map(), lister: new Map(), told, looks })).toEqual([
      'x is gone, the handler knows 2 of b.',
      'x is gone, the queue last saw 2.',
    ]);
  });

  test('names calls that no sequence of changes explains', () => {
    const server = new Map([['x', second]]);
    const told = [
      { type: 'added', key: 'x', ...first },
      { type: 'added', key: 'x', ...first },
      { type: 'updated', key: 'x', ...second },
    ] as const;
    expect(problemsIn({ server, lister: server, told, looks })).toEqual([
      'x was added although it was there.',
      'x was updated, as b, after a.',
    ]);
  });
});
