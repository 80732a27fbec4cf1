/**
 * Runs the claims about the API server against one of the two servers, and says how many there are.
 *
 * `npm run test:conformance -- --server embedded|real [other arguments of Jest]`; `real` needs `KUBEBUILDER_ASSETS`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  options: { server: { type: 'string', default: 'embedded' } },
  allowPositionals: true,
});
const { server } = values;
if (server !== 'embedded' && server !== 'real') {
  stop(`--server ${server}: write "embedded" or "real".`);
}
if (server === 'real' && !process.env['KUBEBUILDER_ASSETS']) {
  stop('The real API server is started from KUBEBUILDER_ASSETS, which is not set.');
}

const folder = mkdtempSync(path.join(tmpdir(), 'incumbent-conformance-'));
try {
  const report = path.join(folder, 'report.json');
  const { status } = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--selectProjects',
      'test',
      '--silent=false',
      '--json',
      `--outputFile=${report}`,
      '--testPathPatterns',
      'test/conformance',
      ...positionals,
    ],
    {
      cwd: root,
      // The report goes to the file; what Jest tells people goes to standard error.
      stdio: ['inherit', 'ignore', 'inherit'],
      env: { ...process.env, INCUMBENT_TEST_SERVER: server },
    },
  );
  process.stdout.write(`${counts(JSON.parse(readFileSync(report, 'utf8')))}\n`);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function stop(problem) {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}

function counts({ testResults }) {
  const claims = testResults.flatMap(({ assertionResults }) => assertionResults);
  const isRealOnly = ({ ancestorTitles }) => ancestorTitles.some((title) => title.includes(', real only'));
  const [both, realOnly] = [claims.filter((one) => !isRealOnly(one)), claims.filter(isRealOnly)];
  const kept = both.filter(({ status }) => status === 'passed').length;
  const keptByReal = realOnly.filter(({ status }) => status === 'passed').length;
  return [
    `${both.length} claims on both, ${realOnly.length} on the real server only.`,
    `On the ${server} API server ${kept} of ${both.length} hold${server === 'real' ? `, and ${keptByReal} of ${realOnly.length} of its own` : ''}.`,
  ].join('\n');
}
