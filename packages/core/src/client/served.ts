import type { Resource } from '../api/resource.js';
import type { Connection } from './connection.js';

/** What the server says of a resource. `unknown`: it doesn't tell us, by RBAC or by an outage. */
export type Served = 'served' | 'absent' | 'otherScope' | 'unknown';

interface ResourceList {
  readonly resources?: readonly { readonly name: string; readonly namespaced: boolean }[];
}

/** Asks the server's discovery whether it serves a resource, and in the scope that it is declared with. One small request. */
export async function served(
  connection: Connection,
  resource: Resource,
  signal: AbortSignal,
): Promise<Served> {
  const { group, version, plural, scope } = resource;
  const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const response = await connection.send({ method: 'GET', path, timeout: 10_000, signal });
  const text = await response.text();
  if (response.status === 404) return 'absent';
  if (response.status !== 200) return 'unknown';
  const { resources } = JSON.parse(text) as ResourceList;
  if (!resources) return 'unknown';
  const found = resources.find(({ name }) => name === plural);
  if (!found) return 'absent';
  return found.namespaced === (scope === 'Namespaced') ? 'served' : 'otherScope';
}
