// Builds the binaries of a real control plane from their published Go modules, once per version, into a cache outside the repository.
//
//   node tools/control-plane/build.mjs [--controller-manager]
//
// Prints the folder, which is what KUBEBUILDER_ASSETS wants. Exit code 3: no Go toolchain here.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const NO_GO = 3;

const kubernetes = moduleVersion('kubernetes', 'k8s.io/kubernetes');
const etcd = moduleVersion('etcd', 'go.etcd.io/etcd/server/v3');
const versionVariable = 'k8s.io/component-base/version';
const kubernetesFlags = [
  `-X ${versionVariable}.gitVersion=${kubernetes}`,
  `-X ${versionVariable}.gitMajor=${kubernetes.slice(1).split('.')[0]}`,
  `-X ${versionVariable}.gitMinor=${kubernetes.split('.')[1]}`,
].join(' ');

const binaries = [
  { name: 'etcd', module: 'etcd', target: '.', flags: '', wanted: true },
  {
    name: 'kube-apiserver',
    module: 'kubernetes',
    target: './cmd/kube-apiserver',
    flags: kubernetesFlags,
    wanted: true,
  },
  {
    name: 'kube-controller-manager',
    module: 'kubernetes',
    target: './cmd/kube-controller-manager',
    flags: kubernetesFlags,
    wanted: process.argv.includes('--controller-manager'),
  },
];

process.exitCode = main();

function main() {
  const folder = path.join(cacheFolder(), `kubernetes-${kubernetes}-etcd-${etcd}`);
  const missing = binaries.filter(({ name, wanted }) => wanted && !existsSync(path.join(folder, name)));
  if (missing.length > 0 && !hasGo()) {
    say(
      `No Go toolchain found: ${missing.map(({ name }) => name).join(' and ')} can't be built. Install Go, or point KUBEBUILDER_ASSETS at ready-made binaries.`,
    );
    return NO_GO;
  }
  mkdirSync(folder, { recursive: true });
  if (!missing.every((binary) => build(binary, folder))) return 1;
  process.stdout.write(`${folder}\n`);
  return 0;
}

/** Into a file of this process's own, then renamed: a run that is interrupted, or races with another, leaves no half-written binary. */
function build({ name, module, target, flags }, folder) {
  say(`Building ${name} (minutes the first time)...`);
  const unfinished = path.join(folder, `.${name}.${process.pid}`);
  const { status } = spawnSync(
    'go',
    ['build', '-trimpath', '-ldflags', `-s -w ${flags}`.trim(), '-o', unfinished, target],
    {
      cwd: path.join(here, module),
      env: { ...process.env, CGO_ENABLED: '0' },
      stdio: ['ignore', 2, 2],
    },
  );
  if (status === 0) renameSync(unfinished, path.join(folder, name));
  else rmSync(unfinished, { force: true });
  if (status !== 0) say(`${name} could not be built: see the lines above.`);
  return status === 0;
}

function hasGo() {
  return spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
}

/** The version that a module file of ours requires, so that it is written down once. */
function moduleVersion(module, dependency) {
  const lines = readFileSync(path.join(here, module, 'go.mod'), 'utf8').split('\n');
  const words = lines.map((line) =>
    line
      .trim()
      .replace(/^require /, '')
      .split(' '),
  );
  return words.find(([name]) => name === dependency)[1];
}

function cacheFolder() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'incumbent', 'control-plane');
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
