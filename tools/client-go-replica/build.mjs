// Builds the client-go replica from its published Go modules, once per version, into a cache outside the repository.
//
//   node tools/client-go-replica/build.mjs [--cached]
//
// Prints the path of the binary. Exit code 3: no Go toolchain here, or, with --cached, not built yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const NO_GO = 3;

process.exitCode = main();

function main() {
  const binary = path.join(cacheFolder(), `client-go-replica-${fingerprint()}`);
  if (!existsSync(binary)) {
    if (process.argv.includes('--cached')) {
      say('The client-go replica is not built: node tools/client-go-replica/build.mjs builds it, with Go.');
      return NO_GO;
    }
    if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) {
      say(
        "No Go toolchain found: the client-go replica can't be built. Install Go to compare with client-go.",
      );
      return NO_GO;
    }
    if (!build(binary)) return 1;
  }
  process.stdout.write(`${binary}\n`);
  return 0;
}

/** Into a file of this process's own, then renamed: a run that is interrupted, or races with another, leaves no half-written binary. */
function build(binary) {
  say('Building the client-go replica (a minute the first time)...');
  mkdirSync(path.dirname(binary), { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const { status } = spawnSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, '.'], {
    cwd: here,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 2, 2],
  });
  if (status === 0) renameSync(unfinished, binary);
  else rmSync(unfinished, { force: true });
  if (status !== 0) say('The client-go replica could not be built: see the lines above.');
  return status === 0;
}

/** Of everything that the binary is made of. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(path.join(here, file)));
  return hash.digest('hex').slice(0, 12);
}

function cacheFolder() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'incumbent', 'client-go-replica');
}

function say(line) {
  process.stderr.write(`${line}\n`);
}
