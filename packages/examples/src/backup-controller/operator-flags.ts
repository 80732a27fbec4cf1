/** The command line of the operator's process. */
import { parseArgs } from 'node:util';
import type { ElectionPreset } from '@incumbent/election';
import { oneOf } from '../demo/flags.js';

export interface OperatorFlags {
  readonly sourceRoots: readonly string[];
  readonly destinationRoots: readonly string[];
  readonly leaseName: string;
  readonly leaseNamespace: string | undefined;
  readonly preset: ElectionPreset;
  /** 0 takes a free port. */
  readonly httpPort: number;
  readonly logLevel: string;
}

export const USAGE = `Usage: main.js --source-root DIR --destination-root DIR [options]

  --source-root DIR        databases under DIR may be backed up (repeatable)
  --destination-root DIR   archives may be written under DIR (repeatable)
  --lease-name NAME        Lease of the election (backup-controller)
  --lease-namespace NS     its namespace (the pod's)
  --preset PRESET          fast, balanced or slow (balanced)
  --http-port PORT         /livez, /readyz and /metrics (8080)
  --log-level LEVEL        trace, debug, info, warn or error (info)`;

/** @throws TypeError with a sentence for the user when a flag is unknown, missing or of the wrong form */
export function parseFlags(argv: readonly string[]): OperatorFlags {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      'source-root': { type: 'string', multiple: true, default: [] },
      'destination-root': { type: 'string', multiple: true, default: [] },
      'lease-name': { type: 'string', default: 'backup-controller' },
      'lease-namespace': { type: 'string' },
      preset: { type: 'string', default: 'balanced' },
      'http-port': { type: 'string', default: '8080' },
      'log-level': { type: 'string', default: 'info' },
    },
  });
  if (values['source-root'].length === 0) throw new TypeError('Give at least one --source-root.');
  if (values['destination-root'].length === 0) throw new TypeError('Give at least one --destination-root.');
  return {
    sourceRoots: values['source-root'],
    destinationRoots: values['destination-root'],
    leaseName: values['lease-name'],
    leaseNamespace: values['lease-namespace'],
    preset: oneOf('--preset', values.preset, ['fast', 'balanced', 'slow']),
    httpPort: port(values['http-port']),
    logLevel: oneOf('--log-level', values['log-level'], ['trace', 'debug', 'info', 'warn', 'error']),
  };
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 65536) return value;
  throw new TypeError(`--http-port takes a number from 0 to 65535, not "${text}".`);
}
