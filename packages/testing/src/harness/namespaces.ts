/** Namespaces for tests: generated names, and removal that waits for no controller. */
import type { Access } from '../control-plane/access.js';
import { type ApiList, type ApiObject, ask, create, get } from './api.js';

export interface NamespaceOptions {
  /** Before the generated part of the name. @defaultValue `'test-'` */
  readonly prefix?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Discovered {
  readonly resources: readonly {
    readonly name: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

interface Groups {
  readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
}

/** Resolves with the name. */
export async function createNamespace(
  admin: Access,
  { prefix = 'test-', labels = {} }: NamespaceOptions,
): Promise<string> {
  const body = { metadata: { generateName: prefix, labels } };
  return (await create<{ metadata: { name: string } }>(admin, '/api/v1/namespaces', body)).metadata.name;
}

/**
 * Removes the namespace and all that is in it. Finalizers are taken off: whoever would have run them may have stopped.
 *
 * Does what the namespace controller does, so that it works where none runs.
 */
export async function removeNamespace(admin: Access, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  // First, so that nobody creates anything behind the broom.
  if (!(await ask(admin, { method: 'DELETE', path, unless: [404, 409] }))) return;
  await Promise.all((await collections(admin)).map((collection) => empty(admin, collection, name)));
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } };
  await ask(admin, { method: 'PUT', path: `${path}/finalize`, body, unless: [404, 409] });
}

async function empty(admin: Access, { version, resource }: Collection, namespace: string): Promise<void> {
  const path = `${version}/namespaces/${namespace}/${resource}`;
  const { items } = await get<ApiList<ApiObject>>(admin, path);
  if (items.length === 0) return;
  for (const item of items) await release(admin, path, item);
  const body = { propagationPolicy: 'Background', gracePeriodSeconds: 0 };
  await ask(admin, { method: 'DELETE', path, body, unless: [404] });
}

async function release(admin: Access, path: string, { metadata, ...rest }: ApiObject): Promise<void> {
  if (!metadata.finalizers?.length) return;
  const body = { ...rest, metadata: { ...metadata, finalizers: [] } };
  await ask(admin, { method: 'PUT', path: `${path}/${metadata.name}`, body, unless: [404, 409] });
}

interface Collection {
  /** Such as `/apis/apps/v1`. */
  readonly version: string;
  /** Plural. */
  readonly resource: string;
}

async function collections(admin: Access): Promise<readonly Collection[]> {
  const { groups } = await get<Groups>(admin, '/apis');
  const versions = ['/api/v1', ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)];
  const found = await Promise.all(versions.map((version) => collectionsOf(admin, version)));
  return found.flat();
}

async function collectionsOf(admin: Access, version: string): Promise<readonly Collection[]> {
  const { resources } = await get<Discovered>(admin, version);
  return resources
    .filter(({ namespaced, verbs }) => namespaced && verbs.includes('deletecollection'))
    .map(({ name }) => ({ version, resource: name }));
}
