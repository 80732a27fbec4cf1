/** The command line of `npm start`. */
import { parseArgs } from 'node:util';
import { type Duration, milliseconds } from '@incumbent/core';
import type { ElectionPreset } from '@incumbent/election';
import { oneOf, wholeNumber } from '../../demo/flags.js';

export interface ScriptedAction {
  readonly action: 'kill' | 'stop' | 'pause';
  /** Milliseconds after the first leader was elected. */
  readonly at: number;
}

export interface DemoFlags {
  readonly json: boolean;
  /** Milliseconds; undefined: until Ctrl-C. */
  readonly duration: number | undefined;
  readonly script: readonly ScriptedAction[];
  readonly replicas: number;
  readonly preset: ElectionPreset;
  readonly kubeconfig: string | undefined;
  readonly help: boolean;
}

export const USAGE = `Runs three replicas of the backup-controller against an embedded API server, and lets you disturb them.

Usage: npm start -- [options]

  --json                 print JSON lines instead of a table; the last line is a summary
  --duration 40s         end by itself
  --kill-leader-at 12s   SIGKILL the leader so long after the first one was elected (repeatable)
  --stop-leader-at 26s   SIGTERM the leader then (repeatable)
  --pause-leader-at 20s  SIGSTOP the leader then, for 12 s (repeatable)
  --replicas 3
  --preset fast          election timings: fast, balanced or slow
  --kubeconfig FILE      use that cluster instead of the embedded server

Exit status: 0 if no backup was missed, made twice or broken; 1 otherwise; 2 for a wrong command line.`;

/** @throws TypeError with a sentence for the user when a flag is unknown or of the wrong form */
export function parseFlags(argv: readonly string[]): DemoFlags {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      duration: { type: 'string' },
      'kill-leader-at': { type: 'string', multiple: true, default: [] },
      'stop-leader-at': { type: 'string', multiple: true, default: [] },
      'pause-leader-at': { type: 'string', multiple: true, default: [] },
      replicas: { type: 'string', default: '3' },
      preset: { type: 'string', default: 'fast' },
      kubeconfig: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const actions = (action: ScriptedAction['action'], times: readonly string[]) =>
    times.map((at) => ({ action, at: time(`--${action}-leader-at`, at) }));
  return {
    json: values.json,
    duration: values.duration === undefined ? undefined : time('--duration', values.duration),
    script: [
      ...actions('kill', values['kill-leader-at']),
      ...actions('stop', values['stop-leader-at']),
      ...actions('pause', values['pause-leader-at']),
    ].toSorted((a, b) => a.at - b.at),
    replicas: wholeNumber('--replicas', values.replicas, 20),
    preset: oneOf('--preset', values.preset, ['fast', 'balanced', 'slow']),
    kubeconfig: values.kubeconfig,
    help: values.help,
  };
}

function time(flag: string, text: string): number {
  try {
    return milliseconds(text as Duration);
  } catch {
    throw new TypeError(`${flag} takes a time such as 12s or 1.5m, not "${text}".`);
  }
}
