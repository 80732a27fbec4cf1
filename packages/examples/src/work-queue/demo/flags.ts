/** The command line of `npm run example:work-queue`. */
import { parseArgs } from 'node:util';
import type { ElectionPreset } from '@incumbent/election';
import { oneOf, wholeNumber } from '../../demo/flags.js';

export interface WorkQueueFlags {
  readonly json: boolean;
  readonly items: number;
  readonly members: number;
  readonly capacity: number;
  readonly preset: ElectionPreset;
  readonly kubeconfig: string | undefined;
  readonly help: boolean;
}

export const USAGE = `Distributes work over four processes, kills one of them and then their leader, and counts what came of it.

Usage: npm run example:work-queue -- [options]

  --json              print the summary as JSON, and nothing else
  --items 1000        how many files are to be hashed
  --members 4         how many processes work
  --capacity 8        how many items each works on at a time
  --preset fast       election timings: fast, balanced or slow
  --kubeconfig FILE   use that cluster instead of the embedded server

Exit status: 0 if every item is done, none is lost, wrong, or counted twice; 1 otherwise; 2 for a wrong command line.`;

/** @throws TypeError with a sentence for the user when a flag is unknown or of the wrong form */
export function parseFlags(argv: readonly string[]): WorkQueueFlags {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      items: { type: 'string', default: '1000' },
      members: { type: 'string', default: '4' },
      capacity: { type: 'string', default: '8' },
      preset: { type: 'string', default: 'fast' },
      kubeconfig: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    json: values.json,
    items: wholeNumber('--items', values.items, 100_000),
    members: wholeNumber('--members', values.members, 20),
    capacity: wholeNumber('--capacity', values.capacity, 1000),
    preset: oneOf('--preset', values.preset, ['fast', 'balanced', 'slow']),
    kubeconfig: values.kubeconfig,
    help: values.help,
  };
}
