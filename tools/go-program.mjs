// Builds a Go program of this repository from the published modules that it requires, once per version, into a cache outside the repository.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const NO_GO = 3;

/**
 * Prints the path of the binary.
 *
 * @param {{ name: string, folder: string, cachedOnly?: boolean }} program - `name` as people call it
 * @returns exit code: 3 where there is no Go toolchain, or, with `cachedOnly`, where it is not built yet
 */
export function goProgram({ name, folder, cachedOnly = false }) {
  const binary = path.join(cacheFolder(name), `${name}-${fingerprint(folder)}`);
  if (!existsSync(binary)) {
    if (cachedOnly) return say(`The ${name} is not built: its build.mjs builds it, with Go.`, NO_GO);
    if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0)
      return say(`No Go toolchain found: the ${name} can't be built. Install Go to compare with it.`, NO_GO);
    if (!build(binary, { name, folder })) return 1;
  }
  process.stdout.write(`${binary}\n`);
  return 0;
}

/** Into a file of this process's own, then renamed: a run that is interrupted, or races with another, leaves no half-written binary. */
function build(binary, { name, folder }) {
  say(`Building the ${name} (a minute the first time)...`);
  mkdirSync(path.dirname(binary), { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const { status } = spawnSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, '.'], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 2, 2],
  });
  if (status === 0) renameSync(unfinished, binary);
  else rmSync(unfinished, { force: true });
  if (status !== 0) say(`The ${name} could not be built: see the lines above.`);
  return status === 0;
}

/** Of everything that the binary is made of. */
function fingerprint(folder) {
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith('.go'))
    .toSorted();
  const hash = createHash('sha256');
  for (const file of [...sources, 'go.mod', 'go.sum']) hash.update(readFileSync(path.join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}

function cacheFolder(name) {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'incumbent', name);
}

function say(line, exitCode) {
  process.stderr.write(`${line}\n`);
  return exitCode;
}
