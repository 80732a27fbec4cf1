/**
 * Elections of real processes under faults, judged by the order in which the server accepted their writes.
 *
 *   npm run test:election -- [--server embedded|real] [--kills 20] [--stops 20] [--json FILE] ...
 *   npm run prove -- ...the same, with hundreds
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CampaignPlan, type CampaignReport, runCampaign } from './campaign.js';
import { describeReport } from './report.js';
import type { ServerKind } from './server.js';

const number = (standard: number) => ({ type: 'string', default: String(standard) }) as const;
const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'both' },
    kills: number(20),
    stops: number(20),
    freezes: number(3),
    blocks: number(3),
    queues: number(3),
    faults: number(1),
    restarts: number(2),
    elections: number(8),
    seed: number(Math.floor(Math.random() * 2 ** 30)),
    'graceful-restarts': { type: 'boolean', default: false },
    json: { type: 'string' },
    unfenced: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  const reports: CampaignReport[] = [];
  for (const server of servers()) {
    const report = await runCampaign(planFor(server));
    reports.push(report);
    process.stdout.write(`${describeReport(report)}\n`);
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify(reports, undefined, 2)}\n`);
  return reports.every(({ violations }) => violations.length === 0) ? 0 : 1;
}

function planFor(server: ServerKind): CampaignPlan {
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  return {
    server,
    kills: wholeNumber('kills'),
    stops: wholeNumber('stops'),
    freezes: wholeNumber('freezes'),
    blocks: wholeNumber('blocks'),
    queues: wholeNumber('queues'),
    faults: wholeNumber('faults'),
    restarts: wholeNumber('restarts'),
    restartSignal: values['graceful-restarts'] ? 'SIGTERM' : 'SIGKILL',
    elections: wholeNumber('elections'),
    seed: wholeNumber('seed'),
    unfenced: values.unfenced,
    ...(values.quiet ? {} : { progress }),
  };
}

function servers(): ServerKind[] {
  if (values.server === 'both') return ['embedded', 'real'];
  if (values.server === 'embedded' || values.server === 'real') return [values.server];
  throw new Error(`--server is "${values.server}": write embedded, real or both.`);
}

function wholeNumber(
  name: Exclude<keyof typeof values, 'server' | 'json' | 'quiet' | 'unfenced' | 'graceful-restarts'>,
): number {
  const parsed = Number(values[name]);
  if (Number.isInteger(parsed) && parsed >= 0) return parsed;
  throw new Error(`--${name} is "${values[name]}": write a whole number.`);
}
