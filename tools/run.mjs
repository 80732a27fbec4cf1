/**
 * Runs a command of this repository on a machine that has Node and nothing else: installs what is missing, builds what
 * changed, and uses the Node version that comes with the dependencies, where one does.
 *
 * node tools/run.mjs start|example:work-queue|test [arguments]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? '.', '..');
const modules = path.join(root, 'node_modules');
const stamp = path.join(modules, '.installed-lock');

/** What is built, and what is run then. */
const COMMANDS = {
  start: { builds: ['packages/examples'], runs: ['packages/examples/dist/backup-controller/demo/main.js'] },
  'example:work-queue': {
    builds: ['packages/examples'],
    runs: ['packages/examples/dist/work-queue/demo/main.js'],
  },
  test: {
    builds: [],
    runs: [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
    ],
  },
};

const [name, ...args] = process.argv.slice(2);
const command =
  COMMANDS[name] ?? fail(`There is no command "${name}": use ${Object.keys(COMMANDS).join(', ')}.`);
requireNode();
install();
build(command.builds);
run([...command.runs, ...args]);

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const bundled = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  const [needMajor, needMinor] = bundled ? [20, 19] : [22, 19];
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  fail(`Node ${needMajor}.${needMinor} or newer is needed, this is ${process.versions.node}.`);
}

/** Installs when the lock file is not the one that was installed last. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('Installing dependencies: once, about a minute.');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, error } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error) fail(`npm could not be run: ${error.message}. It comes with Node.`);
  if (status !== 0)
    fail(
      'Installing the dependencies failed, see above. Is the npm registry reachable, and the disk not full?',
    );
  writeFileSync(stamp, lock);
}

function build(projects) {
  if (!existsSync(path.join(root, 'packages/core/dist/.tsbuildinfo'))) say('Building: once, a few seconds.');
  const { status, stdout, error } = spawnSync(
    node(),
    [path.join(modules, '@typescript/native/bin/tsc'), '-b', ...projects],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  if (error)
    fail(
      `The Node that came with the dependencies does not start here (${error.message}): is this a Linux without glibc?`,
    );
  if (status !== 0) fail(`The build failed:\n${stdout}`);
}

/** The child shares our terminal and so gets Ctrl-C itself; we wait for it to end in good order. */
function run(argv) {
  const environment = {
    ...process.env,
    PATH: `${path.join(modules, '.bin')}${path.delimiter}${process.env.PATH ?? ''}`,
  };
  const child = spawn(node(), argv, { cwd: root, stdio: 'inherit', env: environment });
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`Node could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

/** The Node that comes as a dependency, or the one that runs this. */
function node() {
  const bundled = path.join(modules, '.bin/node');
  return process.platform === 'linux' && existsSync(bundled) ? bundled : process.execPath;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
