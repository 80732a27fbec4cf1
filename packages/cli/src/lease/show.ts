import { isNotFound } from '@incumbent/core/client';
import { Leases, type TypedLease } from '@incumbent/election';
import { type ClusterOptions, type LeaseName, connected, leaseName } from '../command-line/cluster.js';
import { CommandFailure } from '../command-line/failure.js';
import type { System } from '../command-line/system.js';
import { paintFor } from '../terminal/output.js';
import { type Format, documentOf, tableOf } from './lease-text.js';

export interface ShowOptions extends ClusterOptions {
  readonly output?: Format;
}

export interface ListOptions extends ShowOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

const PAGE = 500;

export function list(options: ListOptions, system: System): Promise<number> {
  return connected(system, options, async (connection) => {
    const namespace = options.allNamespaces ? undefined : connection.namespace;
    const leases = await all(new Leases(connection), { namespace, labelSelector: options.selector });
    if (leases.length === 0 && (options.output ?? 'wide') === 'wide')
      system.stderr.write(`There are no leases${namespace ? ` in namespace ${namespace}` : ''}.\n`);
    else show(leases, { ...options, isOne: false }, system);
    return 0;
  });
}

/** Shows those that there are, and fails when one is missing. */
export function get(names: readonly string[], options: ShowOptions, system: System): Promise<number> {
  return connected(system, options, async (connection) => {
    const leases = new Leases(connection);
    const keys = names.map((name) => leaseName(name, connection));
    const found = await Promise.all(keys.map((key) => find(leases, key)));
    const present = found.filter((lease) => lease !== undefined);
    if (present.length > 0) show(present, { ...options, isOne: keys.length === 1 }, system);
    const missing = keys.find((_, index) => !found[index]);
    if (missing) throw notFound(missing);
    return 0;
  });
}

export function notFound({ namespace, name }: LeaseName): CommandFailure {
  return new CommandFailure(
    `There is no Lease ${namespace}/${name}: "incumbent lease list -A" shows those there are.`,
  );
}

async function find(leases: Leases, key: LeaseName): Promise<TypedLease | undefined> {
  try {
    return await leases.get(key);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function all(
  leases: Leases,
  selector: { readonly namespace: string | undefined; readonly labelSelector: string | undefined },
): Promise<TypedLease[]> {
  const found: TypedLease[] = [];
  let token: string | undefined;
  do {
    const page = await leases.list({ ...selector, limit: PAGE, ...(token ? { continue: token } : {}) });
    found.push(...page.items);
    token = page.continue;
  } while (token);
  return found;
}

function show(
  leases: readonly TypedLease[],
  { output, allNamespaces = false, isOne }: ListOptions & { readonly isOne: boolean },
  { stdout, environment, clock }: System,
): void {
  if (output === 'json' || output === 'yaml') {
    stdout.write(documentOf(leases, output, isOne));
    return;
  }
  const namespace = allNamespaces || new Set(leases.map(({ metadata }) => metadata.namespace)).size > 1;
  const columns = { namespace, wide: output === 'wide', paint: paintFor(stdout, environment) };
  stdout.write(tableOf(leases, clock.wall(), columns));
}
