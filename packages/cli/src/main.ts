#!/usr/bin/env node
/** `incumbent` and `kubectl-incumbent`: the one room of this package, with the guardian's, that knows the process it runs in. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { codeOf, connect, systemClock, systemRandom } from '@incumbent/core/client';
import type { StopSignal, System } from './command-line/system.js';
import { guardianProcesses } from './guard/channel.js';
import { run } from './program.js';

const SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
const listeners = new Set<(signal: StopSignal) => void>();
const tell = (signal: StopSignal): void => listeners.forEach((listener) => listener(signal));

const system: System = {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  clock: systemClock,
  random: systemRandom,
  moment: () => ({ monotonic: Number(process.hrtime.bigint()) / 1e6, uptime: os.uptime() * 1000 }),
  connect,
  guardians: guardianProcesses(process.env),
  onSignal,
  exit: (status) => process.exit(status),
};

// As in `incumbent lease list | head -1`: there is nobody to write to any more, and nothing wrong.
for (const output of [process.stdout, process.stderr])
  output.on('error', (error) => {
    if (codeOf(error) !== 'EPIPE') throw error;
    if (listeners.size === 0) process.exit(128 + os.constants.signals.SIGPIPE);
    tell('SIGPIPE');
  });

const isPlugin = path.basename(process.argv[1] ?? '').startsWith('kubectl-');
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
process.exitCode = await run(
  { name: isPlugin ? 'kubectl incumbent' : 'incumbent', args: process.argv.slice(2), version },
  system,
);

function onSignal(listener: (signal: StopSignal) => void): () => void {
  if (listeners.size === 0) for (const signal of SIGNALS) process.on(signal, tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) for (const signal of SIGNALS) process.off(signal, tell);
  };
}
