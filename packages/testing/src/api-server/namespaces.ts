/** Empties namespaces that are being deleted, and lets them go when they are empty. */
import type { JsonObject } from '../object/json.js';
import type { Change, Stored } from './collection.js';
import { TaskQueue } from './controllers.js';
import type { Kernel } from './kernel.js';
import { finalizersOf, isTerminating, withMetadata } from './meta.js';
import { systemContext } from './write-context.js';

const component = 'namespace-controller';
const collection = '/namespaces';

export class NamespaceController {
  readonly #kernel: Kernel;
  readonly #queue: TaskQueue;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#queue = new TaskQueue(kernel.environment);
  }

  start(): () => void {
    const stop = this.#kernel.storage.onChange((change) => this.#onChange(change));
    return () => {
      stop();
      this.#queue.close();
    };
  }

  #onChange({ stored, type }: Change): void {
    const name = stored.resource === collection ? stored.name : stored.namespace;
    if (name === '' || (stored.resource === collection && type === 'DELETED')) return;
    const namespace = this.#find(name);
    if (namespace !== undefined && isTerminating(namespace.object))
      this.#queue.add(name, () => this.#empty(name));
  }

  #find(name: string): Stored | undefined {
    return this.#kernel.storage.collection(collection).get('', name);
  }

  #empty(name: string): void {
    const namespace = this.#find(name);
    if (namespace === undefined || !isTerminating(namespace.object)) return;
    for (const stored of this.#contentOf(name)) this.#delete(stored);
    if (this.#contentOf(name).length === 0) this.#finalize(name);
  }

  #contentOf(name: string): readonly Stored[] {
    return [...this.#kernel.storage.collections].flatMap((one) => (one.size === 0 ? [] : one.list(name)));
  }

  #delete(stored: Stored): void {
    const resource = this.#kernel.registry.byCollection(stored.resource);
    if (resource === undefined || isTerminating(stored.object)) return;
    const options = { propagation: 'Background', gracePeriodSeconds: 0 } as const;
    this.#kernel.deletion.delete(resource, stored, options, systemContext(component, 'delete'));
  }

  /** Takes the namespace's own finalizer away, and the namespace with it if that was the last. */
  #finalize(name: string): void {
    const stored = this.#find(name);
    const resource = this.#kernel.registry.find('', 'v1', 'namespaces');
    if (stored === undefined || resource === undefined) return;
    const context = systemContext(component, 'update');
    if (finalizersOf(stored.object).length === 0) {
      this.#kernel.objects.remove(resource, stored, context);
      return;
    }
    if (Object.keys((stored.object['spec'] ?? {}) as JsonObject).length === 0) return;
    this.#kernel.objects.replace(resource, { ...withMetadata(stored.object, {}), spec: {} }, context);
  }
}
