import os from 'node:os';
import type { Ending } from './guarded-run.js';

/** Statuses of our own for commands that run another: as `timeout`, `env` and shells have them. */
export const ExitStatus = {
  lockLost: 123,
  lockNotHad: 124,
  failed: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** As a shell would tell of it. */
export function exitStatusOf(ending: Ending): number {
  if (ending.kind === 'failed') return statusOfFailure(ending.code);
  return ending.code ?? exitStatusOfSignal(ending.signal);
}

export function exitStatusOfSignal(signal: string | null): number {
  return 128 + (os.constants.signals[signal as NodeJS.Signals] ?? 0);
}

function statusOfFailure(code: string): number {
  if (code === 'ENOENT') return ExitStatus.notFound;
  return code === 'EACCES' || code === 'ENOEXEC' ? ExitStatus.notExecutable : ExitStatus.failed;
}
