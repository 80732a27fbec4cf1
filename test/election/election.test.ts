import { describe, expect, test } from '@jest/globals';
import { type CampaignPlan, type CampaignReport, runCampaign } from './campaign.js';
import { FAULT_NAMES } from './disturbances.js';
import { overlaps, termsOutOfOrder } from './history.js';

const none = { kills: 0, stops: 0, freezes: 0, blocks: 0, queues: 0, faults: 0, restarts: 0 } as const;
const server = process.env['INCUMBENT_TEST_SERVER'] === 'real' ? 'real' : 'embedded';

function campaign(plan: Partial<CampaignPlan>): Promise<CampaignReport> {
  return runCampaign({ ...none, server, elections: 1, seed: 1, ...plan });
}

const countOf = ({ results }: CampaignReport, kind: string): number =>
  results.filter((result) => result.kind === kind).length;

describe('replicas as processes that are killed, stopped, frozen, blocked and cut off', () => {
  test('never write an older term after a newer one, never lead two at once, and soon lead again', async () => {
    const each = { freezes: 1, blocks: 1, queues: 1, faults: 1, restarts: 1 };
    const report = await campaign({ kills: 4, stops: 4, ...each, elections: 6 });
    expect(report.violations).toEqual([]);
    expect(countOf(report, 'kill')).toBe(4);
    expect(countOf(report, 'stop')).toBe(4);
    for (const kind of ['freeze', 'block', 'queue', ...FAULT_NAMES]) expect(countOf(report, kind)).toBe(1);
    // Each had work to be judged by, and writes that were called in time and would have left too late.
    expect(report.writes).toBeGreaterThan(200);
    expect(report.results.find(({ kind }) => kind === 'queue')?.queued?.['AUTHORITY_LOST']).toBeGreaterThan(
      0,
    );
  }, 150_000);

  test('are caught when their writes do not look at the term', async () => {
    const report = await campaign({ queues: 1, unfenced: true });
    expect(report.violations.join('\n')).toMatch(
      /wrote its write \d+ in term \d+ .*, after .* had written in term/,
    );
  }, 60_000);
});

describe('the judgement of a history', () => {
  const write = (version: number, term: number, writer: string) => ({
    version: BigInt(version),
    term,
    token: String(term),
    writer,
    count: String(version),
  });
  const reign = (identity: string, from: number, heldUntil: number, stoppedAt = Infinity) => ({
    identity,
    term: from,
    from,
    heldUntil,
    stoppedAt,
  });

  test('names a write of an older term that comes after one of a newer', () => {
    const [fault, ...more] = termsOutOfOrder([
      write(1, 1, 'a'),
      write(2, 2, 'b'),
      write(3, 1, 'a'),
      write(4, 2, 'b'),
    ]);
    expect(fault).toBe(
      'a wrote its write 3 in term 1 at version 3, after b had written in term 2 at version 2',
    );
    expect(more).toEqual([]);
  });

  test('names two writers of one term', () => {
    expect(termsOutOfOrder([write(1, 1, 'a'), write(2, 1, 'b')])).toEqual(['b and a both wrote in term 1']);
  });

  test('names a leader that began before the other had to stop', () => {
    expect(overlaps([reign('a', 0, 100), reign('b', 90, 200)])).toEqual([
      'b led from term 90 on 10.0 ms before a had to stop in term 0',
    ]);
  });

  test('lets a leader begin when the other has stopped, or its right has lapsed', () => {
    expect(overlaps([reign('a', 0, 100, 50), reign('b', 60, 160), reign('c', 170, 300)])).toEqual([]);
  });
});
