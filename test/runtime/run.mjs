/**
 * Holds the runtime through storms over thousands of objects: `npm test` does the same over some hundreds.
 *
 *   npm run test:runtime -- [--server embedded|real] [--objects 10000] [--seed 1] [other arguments of Jest]
 *
 * `real` needs `KUBEBUILDER_ASSETS`, or what `tools/control-plane/build.mjs` built, and takes about five minutes: an idle limit of 90 s is waited for.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const text = /** @type {const} */ ({ type: 'string' });
const { values, positionals } = parseArgs({
  options: {
    server: { ...text, default: 'embedded' },
    objects: { ...text, default: '10000' },
    seed: { ...text, default: '1' },
  },
  allowPositionals: true,
});
const { server, objects, seed } = values;
if (server !== 'embedded' && server !== 'real') stop(`--server ${server}: write "embedded" or "real".`);
for (const [name, number] of Object.entries({ objects, seed }))
  if (!/^[1-9]\d*$/.test(number)) stop(`--${name} ${number}: write a whole number above zero.`);

const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];
const { status } = spawnSync(
  process.execPath,
  [...jest, '--selectProjects', 'test', '--testPathPatterns', 'test/runtime', ...positionals],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      INCUMBENT_TEST_SERVER: server,
      INCUMBENT_TEST_OBJECTS: objects,
      INCUMBENT_TEST_SEED: seed,
    },
  },
);
process.exitCode = status ?? 1;

function stop(problem) {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}
