/** `npm run test:differential -- --sequences 2000 [--seed N]`: random requests to the real and the embedded API server, which must agree. */
import { findAssets } from '@incumbent/testing';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.js';
import { Pair } from './pair.js';
import { describeReport } from './report.js';

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    concurrency: { type: 'string', default: '12' },
    shrunk: { type: 'string', default: '5' },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  findAssets();
  const [sequences, seed] = [wholeNumber('sequences'), wholeNumber('seed')];
  say(`Seed ${seed}: ${sequences} sequences.\n`);
  const pair = await Pair.start();
  try {
    const started = performance.now();
    const progress = (done: number, differences: number): void => {
      if (done % 100 === 0) say(`${done} of ${sequences} sequences, ${differences} differences\n`);
    };
    const [concurrency, shrunk] = [wholeNumber('concurrency'), wholeNumber('shrunk')];
    const report = await runCampaign(pair, { sequences, seed, concurrency, shrunk, progress });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(`${describeReport(report)}Seed ${seed}, ${seconds} s.\n`);
    return report.findings.length === 0 ? 0 : 1;
  } finally {
    await pair.stop();
  }
}

function wholeNumber(name: keyof typeof values): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is "${values[name]}": write a whole number.`);
}

function say(text: string): void {
  process.stdout.write(text);
}
