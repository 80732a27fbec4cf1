/** The worker's program: what a pod runs. */
import { parseArgs } from 'node:util';
import { connect } from '@incumbent/core/client';
import { type ElectionPreset, ResourceItems, WorkGroup } from '@incumbent/election';
import { pino } from 'pino';
import { oneOf } from '../demo/flags.js';
import { hashFile } from './hash-file.js';
import { WorkItem, isDone } from './work-item.js';

/** Takes part in the work until the signal aborts. */
export async function work(
  { capacity, preset }: { readonly capacity: number; readonly preset: ElectionPreset },
  signal: AbortSignal,
): Promise<void> {
  const connection = await connect();
  const group = new WorkGroup({
    connection,
    name: 'hashers',
    preset,
    capacity,
    identity: process.env['POD_NAME'],
    items: new ResourceItems({ connection, resource: WorkItem, isDone }),
    log: pino(),
  });
  await group.run({
    signal,
    work: async ({ spec }, { term, signal: ending }) => ({
      ...(await hashFile(spec.path, spec.salt, ending)),
      member: group.member,
      assignment: term.number,
    }),
  });
  await connection.close();
}

/** Runs until SIGTERM, and resolves to the process's exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        capacity: { type: 'string', default: '4' },
        preset: { type: 'string', default: 'balanced' },
      },
    });
    const preset = oneOf('--preset', values.preset, ['fast', 'balanced', 'slow']);
    await work({ capacity: Number(values.capacity), preset }, stop.signal);
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}
