/** Which resources are served right now: the built-in ones, and those of the custom resource definitions. */
import type { Resource } from './resource.js';

export class Registry {
  readonly #resources = new Map<string, Resource>();
  readonly #listeners = new Set<() => void>();

  constructor(builtIn: Iterable<Resource>) {
    for (const resource of builtIn) this.#resources.set(key(resource.definition), resource);
  }

  get resources(): Iterable<Resource> {
    return this.#resources.values();
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(key({ group, version, plural }));
  }

  /** Any served version of what a collection holds. */
  byCollection(storedAs: string): Resource | undefined {
    for (const resource of this.#resources.values()) {
      if (resource.definition.storedAs === storedAs) return resource;
    }
    return undefined;
  }

  hasGroup(group: string): boolean {
    return this.versionsOf(group).length > 0;
  }

  /** Whether the group has nothing but custom resources. */
  isCustomGroup(group: string): boolean {
    const own = [...this.#resources.values()].filter(({ definition }) => definition.group === group);
    return own.length > 0 && own.every(({ definition }) => definition.custom);
  }

  versionsOf(group: string): readonly string[] {
    const versions = new Set<string>();
    for (const { definition } of this.#resources.values()) {
      if (definition.group === group) versions.add(definition.version);
    }
    return [...versions].sort(byStability);
  }

  /** All groups but the core group, built-in ones first. */
  get groups(): readonly string[] {
    const groups = new Set<string>();
    for (const { definition } of this.#resources.values())
      if (definition.group !== '') groups.add(definition.group);
    return [...groups];
  }

  /** Resources of one version, by name. */
  resourcesIn(group: string, version: string): readonly Resource[] {
    return [...this.#resources.values()]
      .filter(({ definition }) => definition.group === group && definition.version === version)
      .sort((a, b) => (a.definition.plural < b.definition.plural ? -1 : 1));
  }

  /** Serves these in place of all that was served from `storedAs`. */
  replace(storedAs: string, resources: readonly Resource[]): void {
    for (const [name, { definition }] of this.#resources) {
      if (definition.custom && definition.storedAs === storedAs) this.#resources.delete(name);
    }
    for (const resource of resources) this.#resources.set(key(resource.definition), resource);
    for (const listener of this.#listeners) listener();
  }

  /** Whether this very resource is still served, and not a newer definition of it. */
  serves(resource: Resource): boolean {
    return this.#resources.get(key(resource.definition)) === resource;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function key(names: { readonly group: string; readonly version: string; readonly plural: string }): string {
  return `${names.group}/${names.version}/${names.plural}`;
}

const stability = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** `v2, v1, v1beta1, v1alpha1`, then names that are no versions, by name. */
export function byStability(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)];
  for (const [index, value] of left.entries()) {
    const difference = (right[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

function rank(version: string): readonly number[] {
  const match = stability.exec(version);
  if (match === null) return [-1, 0, 0];
  const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
}
