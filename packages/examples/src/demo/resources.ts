/** What a demo creates in a cluster, and removes again. */
import {
  type Client,
  type Draft,
  type KubernetesObject,
  type ObjectKey,
  type Resource,
  formatKey,
  isAlreadyExists,
  isNotFound,
  keyOf,
  resource,
  sleep,
  systemClock,
} from '@incumbent/core';

const CLUSTER_SCOPED = new Set([
  'CustomResourceDefinition',
  'Namespace',
  'ClusterRole',
  'ClusterRoleBinding',
]);

/** Remembers what it created, to remove just that. */
export class CreatedObjects {
  readonly #client: Client;
  readonly #created: { readonly resource: Resource; readonly key: ObjectKey }[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  /** Creates the object, or leaves the one of that name alone. */
  async create<T extends KubernetesObject>(kind: Resource<T>, object: Draft<T>): Promise<void> {
    const key = { namespace: object.metadata.namespace, name: object.metadata.name ?? '' };
    try {
      await this.#client.unfenced().create(kind, object);
      this.#created.push({ resource: kind, key });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** Removes what was created, the last first, and waits until it is gone. */
  async remove(): Promise<void> {
    const created = this.#created.splice(0).toReversed();
    for (const { resource, key } of created) await this.#delete(resource, key);
    for (const { resource, key } of created) await this.#gone(resource, key);
  }

  async #delete(resource: Resource, key: ObjectKey): Promise<void> {
    try {
      await this.#client.unfenced().delete(resource, key);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #gone(resource: Resource, key: ObjectKey): Promise<void> {
    for (let turn = 0; turn < 100; turn += 1) {
      try {
        await this.#client.get(resource, key);
      } catch (error) {
        if (isNotFound(error)) return;
        throw error;
      }
      await sleep(systemClock, 100);
    }
  }
}

/** The resource that a manifest is of. */
export function resourceOf({ apiVersion, kind }: KubernetesObject): Resource {
  const [group, version] = apiVersion.includes('/')
    ? (apiVersion.split('/') as [string, string])
    : (['', apiVersion] as const);
  return resource({ group, version, kind, scope: CLUSTER_SCOPED.has(kind) ? 'Cluster' : 'Namespaced' });
}

/** For people: `ClusterRole backup-controller`. */
export function describe(object: KubernetesObject): string {
  return `${object.kind} ${formatKey(keyOf(object))}`;
}

/** Waits until the resource is there: a definition takes a moment until it is served. */
export async function served(client: Client, kind: Resource, namespace: string): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      await client.list(kind, { namespace, limit: 1 });
      return;
    } catch (error) {
      if (!isNotFound(error) || turn >= 100) throw error;
      await sleep(systemClock, 50);
    }
  }
}
