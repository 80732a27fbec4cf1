/**
 * Lets an operator of two replicas work for long, under updates, restarts, cuts and changes of leadership, and looks at what it leaves.
 *
 *   npm run soak -- [--minutes 20] [--server embedded|real] [--seed 1] [--json FILE]
 *
 * Prints a line for each cycle (a minute, or a sixth of a short soak), and a verdict. Exit code 1: the heap grew by more than 10 % after
 * warm-up, a key was missed, or something was left over. `--plant memory|key|timer|listener|socket` does wrong, to see that it is noticed.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PLANTS } from './plants.js';
import { soak } from './soak.js';
import { type Cycle, growth, problemsOf } from './verdict.js';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    minutes: { ...text, default: '20' },
    server: { ...text, default: 'embedded' },
    seed: { ...text, default: '1' },
    json: text,
    plant: text,
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  const { server } = values;
  if (server !== 'embedded' && server !== 'real')
    throw new Error(`--server is "${server}": write embedded or real.`);
  const plant = PLANTS.find((name) => name === values.plant);
  if (values.plant !== undefined && !plant)
    throw new Error(`--plant is "${values.plant}": use ${PLANTS.join(', ')}.`);
  const [minutes, seed] = [positive('minutes'), positive('seed')];
  say(`   time  changes    calm    heap after GC (MB)    resident (MB)   reconciles  terms  sockets`);
  const result = await soak({ server, minutes, seed, plant, onCycle: (cycle) => say(lineOf(cycle)) });
  const problems = problemsOf(result);
  if (values.json)
    writeFileSync(
      values.json,
      `${JSON.stringify({ server, minutes, seed, problems, ...result }, undefined, 2)}\n`,
    );
  const grown = result.leftovers.map((_, index) =>
    growth(result.cycles.flatMap(({ replicas }) => replicas[index]?.heap ?? [])),
  );
  say(
    `The heap of the replicas grew by ${grown.map((share) => `${(share * 100).toFixed(1)} %`).join(' and ')} after warm-up.`,
  );
  say(problems.length === 0 ? 'Sound: no key missed, nothing left over.' : problems.join('\n'));
  return problems.length === 0 ? 0 : 1;
}

function lineOf({ seconds, changes, calm, missed, replicas }: Cycle): string {
  const each = (figure: (replica: Cycle['replicas'][number]) => string | number): string =>
    replicas.map(figure).join(' | ');
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const words = [
    `${Math.round(seconds)} s`.padStart(7),
    String(changes).padStart(8),
    `${calm.toFixed(1)} s`.padStart(8),
    each(({ heap }) => megabytes(heap)).padStart(21),
    each(({ resident }) => megabytes(resident)).padStart(16),
    each(({ reconciles }) => reconciles).padStart(12),
    each(({ terms }) => terms).padStart(6),
    each(({ sockets }) => sockets).padStart(8),
  ];
  return `${words.join(' ')}${missed.length > 0 ? `   MISSED ${missed.length}` : ''}`;
}

function positive(name: 'minutes' | 'seed'): number {
  const number = Number(values[name]);
  if (number > 0) return number;
  throw new Error(`--${name} is "${values[name]}": write a number above zero.`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
