import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findAssets } from '@incumbent/testing';
import { runCampaign } from './campaign.js';
import { Pair } from './pair.js';
import { describeReport } from './report.js';

function whyNot(): string | undefined {
  try {
    findAssets();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = whyNot();
if (reason !== undefined) process.stderr.write(`The two API servers are not compared here. ${reason}\n`);
const withBinaries = reason === undefined ? describe : describe.skip;

withBinaries('the embedded and the real API server', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.start();
  }, 90_000);
  afterAll(async () => pair.stop());

  test('agree on codes, reasons, details, objects and events of 50 random sequences', async () => {
    const report = await runCampaign(pair, { sequences: 50, seed: 1, shrunk: 1 });
    if (report.findings.length > 0) throw new Error(describeReport(report));
    expect(report.requests).toBeGreaterThan(300);
  }, 120_000);
});
