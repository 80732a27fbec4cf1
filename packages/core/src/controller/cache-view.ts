import { controllerOf } from '../api/owner-reference.js';
import type { DeepReadonly, KubernetesObject, ObjectKey } from '../api/object.js';
import { qualifiedName, type Resource } from '../api/resource.js';
import type { InformerCache } from '../cache/cache.js';
import type { Informer } from '../cache/informer.js';
import type { Lister, ListerOptions } from '../cache/lister.js';
import { IncumbentError } from '../kit/error.js';
import type { CacheReader } from './context.js';
import type { ControllerDefinition } from './definition.js';

/** Not a name that a user would give an index. */
const BY_CONTROLLER = 'incumbent.dev/controller';

/** One controller's part of the operator's cache. Asking for it makes the informers, so it is made before the cache runs. */
export class CacheView implements CacheReader {
  readonly #controller: string;
  readonly #cache: InformerCache;
  readonly #informers = new Map<string, readonly Informer<KubernetesObject>[]>();

  constructor(cache: InformerCache, definition: ControllerDefinition) {
    const { name, resource, owns, watches = [], reads, namespaces, labelSelector } = definition;
    this.#controller = name;
    this.#cache = cache;
    for (const other of [...owns, ...reads]) this.#add(other, namespaces);
    for (const watch of watches) this.#add(watch.resource, watch.namespaces ?? namespaces);
    this.#informers.set(identityOf(resource), this.informersIn(resource, namespaces, labelSelector));
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

  owned<T extends KubernetesObject>(
    resource: Resource<T>,
    { metadata: { uid } }: DeepReadonly<Pick<KubernetesObject, 'metadata'>>,
  ): DeepReadonly<T>[] {
    return this.informersOf(resource).flatMap((informer) => {
      informer.addIndexers({ [BY_CONTROLLER]: controllerUidOf });
      return (informer.lister as unknown as Lister<T, typeof BY_CONTROLLER>).byIndex(BY_CONTROLLER, uid);
    });
  }

  holds(resource: Resource): boolean {
    return this.#informers.has(identityOf(resource));
  }

  /** Those that together have what the controller reads of a kind, each object once. */
  informersOf<T extends KubernetesObject>(resource: Resource<T>): readonly Informer<T>[] {
    const informers = this.#informers.get(identityOf(resource));
    if (informers) return informers as unknown as readonly Informer<T>[];
    throw new IncumbentError(
      'CACHE_UNDECLARED',
      `${this.#controller} reads ${resource.kind} from its cache but doesn't declare it: add it to \`owns\` or \`reads\`, or ask the server with \`client.get\`.`,
    );
  }

  /** One for each namespace, or one for all. */
  informersIn<T extends KubernetesObject>(
    resource: Resource<T>,
    namespaces: readonly string[] | undefined,
    labelSelector?: string,
  ): readonly Informer<T>[] {
    const scopes = resource.scope === 'Namespaced' && namespaces ? namespaces : [undefined];
    return scopes.map((namespace) => this.#cache.informerFor(resource, { namespace, labelSelector }));
  }

  /** Where a kind is declared twice, reads see both places, or everything if one of them is. */
  #add(resource: Resource, namespaces: readonly string[] | undefined): void {
    const known = this.#informers.get(identityOf(resource)) ?? [];
    const informers = [...new Set([...known, ...this.informersIn(resource, namespaces)])];
    const all = informers.find(({ selector }) => selector.namespace === undefined);
    this.#informers.set(identityOf(resource), all ? [all] : informers);
  }
}

function controllerUidOf(object: unknown): readonly string[] {
  const controller = controllerOf(object as DeepReadonly<KubernetesObject>);
  return controller ? [controller.uid] : [];
}

function identityOf(resource: Resource): string {
  return `${qualifiedName(resource)}/${resource.version}`;
}
