/** The operator's program: what a pod runs. */
import { Operator } from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { ContainerModule } from 'inversify';
import { type Logger, pino } from 'pino';
import { BackupController, ROOTS } from './backup-controller.js';
import { type OperatorFlags, USAGE, parseFlags } from './operator-flags.js';
import type { Roots } from './roots.js';

/** Runs until SIGTERM, and resolves to the process's exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let flags: OperatorFlags;
  try {
    flags = parseFlags(argv);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
  const log = pino({ level: flags.logLevel });
  try {
    await backupOperator(flags, log).run({ signals: ['SIGTERM'] });
    return 0;
  } catch (error) {
    log.fatal({ err: error }, 'The operator could not go on.');
    return 1;
  }
}

function backupOperator({ sourceRoots, destinationRoots, ...flags }: OperatorFlags, log: Logger): Operator {
  const roots: Roots = { source: sourceRoots, destination: destinationRoots };
  return new Operator({
    name: 'backup-controller',
    controllers: [BackupController],
    leadership: leaderElection({
      name: flags.leaseName,
      namespace: flags.leaseNamespace,
      preset: flags.preset,
    }),
    modules: [new ContainerModule(({ bind }) => void bind(ROOTS).toConstantValue(roots))],
    http: { port: flags.httpPort },
    log,
  });
}
