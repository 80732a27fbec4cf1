/** The options by which kubectl's users say which cluster they mean, and names of leases. */
import { type Connection, type ObjectKey, parseKey } from '@incumbent/core/client';
import type { Command } from 'commander';
import { CommandFailure } from './failure.js';
import type { System } from './system.js';

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export function withClusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'path of the kubeconfig (default: as kubectl finds it)')
    .option('--context <name>', 'context of the kubeconfig (default: the current one)')
    .option('-n, --namespace <name>', "namespace (default: the context's)");
}

/** Does `work` with a connection that is closed after it. */
export async function connected<T>(
  { connect, clock }: System,
  { kubeconfig, context, namespace }: ClusterOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect({ kubeconfig, context, namespace, clock, userAgent: 'incumbent-cli' });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** `NAMESPACE/NAME`, or `NAME` in the namespace of the options or the context. */
export function leaseName(text: string, { namespace }: { readonly namespace: string }): LeaseName {
  const key: ObjectKey = parseKey(text);
  if (!key.name || key.name.includes('/') || key.namespace === '')
    throw new CommandFailure(`"${text}" names no Lease: write NAME, or NAMESPACE/NAME.`);
  return { namespace: key.namespace ?? namespace, name: key.name };
}
