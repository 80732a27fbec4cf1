/**
 * Runs a suite of its own name against one of the two API servers.
 *
 * `npm run test:cli -- --server embedded|real [other arguments of Jest]`, and `test:examples`; `real` needs `KUBEBUILDER_ASSETS`.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';

const SUITES = {
  cli: 'packages/cli/|test/cli/|examples/src/(lock|plain-leader)/',
  examples: 'packages/examples/|test/(examples|timers-and-daemons|dependents|work-queue|backup-controller)',
};

const { values, positionals } = parseArgs({
  options: { server: { type: 'string', default: 'embedded' } },
  allowPositionals: true,
});
const { server } = values;
const [suite, ...others] = positionals;
const paths = SUITES[suite] ?? stop(`There is no suite "${suite}": use ${Object.keys(SUITES).join(' or ')}.`);
if (server !== 'embedded' && server !== 'real') stop(`--server ${server}: write "embedded" or "real".`);
if (server === 'real' && !process.env['KUBEBUILDER_ASSETS'])
  stop('The real API server is started from KUBEBUILDER_ASSETS, which is not set.');

const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...(server === 'real' ? ['--testTimeout=30000'] : []),
    '--testPathPatterns',
    paths,
    ...others,
  ],
  {
    cwd: path.resolve(import.meta.dirname, '..'),
    stdio: 'inherit',
    env: { ...process.env, INCUMBENT_TEST_SERVER: server },
  },
);
process.exitCode = status ?? 1;

function stop(problem) {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}
