import type { DeepReadonly, KubernetesObject, ObjectKey } from '../api/object.js';
import { qualifiedName, type Resource } from '../api/resource.js';
import type { InformerCache } from '../cache/cache.js';
import type { Informer } from '../cache/informer.js';
import type { ListerOptions } from '../cache/lister.js';
import { IncumbentError } from '../kit/error.js';
import type { CacheReader } from './context.js';
import type { ControllerDefinition } from './definition.js';

/** One controller's part of the operator's cache. Asking for it makes the informers, so it is made before the cache runs. */
export class CacheView implements CacheReader {
  readonly #controller: string;
  readonly #informers = new Map<string, readonly Informer<KubernetesObject>[]>();

  constructor(cache: InformerCache, definition: ControllerDefinition) {
    const { name, resource, owns, reads, namespaces, labelSelector } = definition;
    this.#controller = name;
    for (const other of [...owns, ...reads]) this.#add(cache, other, namespaces, undefined);
    this.#add(cache, resource, namespaces, labelSelector);
  }

  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey): DeepReadonly<T> | undefined {
    for (const { lister, selector } of this.informersOf(resource)) {
      const object =
        selector.namespace === undefined || selector.namespace === key.namespace
          ? lister.get(key)
          : undefined;
      if (object) return object;
    }
    return undefined;
  }

  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListerOptions): DeepReadonly<T>[] {
    return this.informersOf(resource).flatMap(({ lister }) => lister.list(options));
  }

  holds(resource: Resource): boolean {
    return this.#informers.has(identityOf(resource));
  }

  /** One for each namespace, or one for all. */
  informersOf<T extends KubernetesObject>(resource: Resource<T>): readonly Informer<T>[] {
    const informers = this.#informers.get(identityOf(resource));
    if (informers) return informers as unknown as readonly Informer<T>[];
    throw new IncumbentError(
      'CACHE_UNDECLARED',
      `${this.#controller} reads ${resource.kind} from its cache but doesn't declare it: add it to \`owns\` or \`reads\`, or ask the server with \`client.get\`.`,
    );
  }

  #add(
    cache: InformerCache,
    resource: Resource,
    namespaces: readonly string[] | undefined,
    labelSelector: string | undefined,
  ): void {
    const scopes = resource.scope === 'Namespaced' && namespaces ? namespaces : [undefined];
    const informers = scopes.map((namespace) => cache.informerFor(resource, { namespace, labelSelector }));
    this.#informers.set(identityOf(resource), informers);
  }
}

function identityOf(resource: Resource): string {
  return `${qualifiedName(resource)}/${resource.version}`;
}
