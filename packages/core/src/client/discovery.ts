import type { KubernetesObject } from '../api/object.js';
import { apiVersionOf, type Resource, resource } from '../api/resource.js';
import { isNotFound } from '../api/errors.js';
import { IncumbentError } from '../kit/error.js';
import { Client } from './client.js';
import type { Connection } from './connection.js';
import type { RequestOptions } from './reader.js';

/** An object of whose type only what all have in common is known. Fields keep whatever they hold, on the way in and out. */
export interface UntypedObject extends KubernetesObject {
  [field: string]: unknown;
}

interface ServedResource {
  /** Plural; with a slash for a subresource. */
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/**
 * The resource by which the API server serves a kind, for objects whose kind is known at run time only: read from a file, or named by an owner
 * reference. One request; nothing is remembered. Where the kind is known beforehand, {@link resource} declares it without asking.
 *
 * @throws {@link IncumbentError} `RESOURCE_UNKNOWN` when the server does not serve the kind
 */
export async function discover(
  connection: Connection,
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  options: RequestOptions = {},
): Promise<Resource<UntypedObject>> {
  const [version = '', group = ''] = apiVersion.split('/').toReversed();
  const found = (await served(connection, { group, version }, options)).find(
    (each) => each.kind === kind && !each.name.includes('/'),
  );
  if (!found)
    throw new IncumbentError(
      'RESOURCE_UNKNOWN',
      `The API server serves no ${kind} in ${apiVersion}: is its CustomResourceDefinition installed, and the version right?`,
    );
  const scope = found.namespaced ? 'Namespaced' : 'Cluster';
  return resource<UntypedObject>({ group, version, kind, plural: found.name, scope });
}

/** What the API server serves in a version of a group; nothing when it doesn't know it. */
export async function served(
  connection: Connection,
  { group, version }: Pick<Resource, 'group' | 'version'>,
  options: RequestOptions,
): Promise<readonly ServedResource[]> {
  const apiVersion = apiVersionOf({ group, version });
  try {
    const path = `/${group ? 'apis' : 'api'}/${apiVersion}`;
    const list = await new Client(connection).read<{ resources: ServedResource[] }>(path, options);
    return list.resources;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
