/** Sources: what wakes a controller, and for which of its objects. */
import { controllerOf } from '../api/owner-reference.js';
import { type DeepReadonly, formatKey, type KubernetesObject, keyOf, type ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { Change } from '../cache/change.js';
import type { Informer } from '../cache/informer.js';
import type { CacheView } from './cache-view.js';
import type { ControllerDefinition } from './definition.js';
import { contentChanges, type Predicate, userChanges } from './predicate.js';

/** The keys of the objects to reconcile when this object has changed. */
export type Mapper<T extends KubernetesObject> = (object: DeepReadonly<T>) => readonly ObjectKey[];

/** Objects of one kind whose changes wake a controller. */
export interface ObjectSource<T extends KubernetesObject> {
  readonly informers: readonly Informer<T>[];
  readonly predicate: Predicate<T>;
  readonly keysFor: Mapper<T>;
}

/** Passes on the keys that the source's changes wake, from now on. Objects that are there already wake their keys too. */
export function listen<T extends KubernetesObject>(
  source: ObjectSource<T>,
  wake: (key: string) => void,
): void {
  const hear = (change: Change<T>): void => {
    // A predicate that throws lets the change pass: better once too often than never. Who calls us logs the error.
    let passes = true;
    try {
      passes = source.predicate(change);
    } finally {
      if (passes) for (const key of keysOf(change, source.keysFor)) wake(key);
    }
  };
  for (const informer of source.informers) {
    informer.addHandler({
      added: (object) => hear({ type: 'added', object }),
      updated: (before, after) => hear({ type: 'updated', before, after }),
      deleted: (object) => hear({ type: 'deleted', object }),
    });
  }
}

/** Listens to everything that a controller declares. */
export function listenToAll<T extends KubernetesObject>(
  definition: ControllerDefinition<T>,
  view: CacheView,
  wake: (key: string) => void,
): void {
  const { resource, owns, finalizer } = definition;
  const predicate = definition.predicate ?? userChanges(finalizer?.name);
  listen({ informers: view.informersOf(resource), predicate, keysFor: (object) => [keyOf(object)] }, wake);
  for (const child of owns) {
    listen(
      { informers: view.informersOf(child), predicate: contentChanges, keysFor: controllerIn(resource) },
      wake,
    );
  }
}

/** Maps an object to its controller, if that is of this kind, in any version. */
export function controllerIn(owner: Resource): Mapper<KubernetesObject> {
  return (object) => {
    const reference = controllerOf(object);
    if (!reference || reference.kind !== owner.kind || groupOf(reference.apiVersion) !== owner.group)
      return [];
    const namespace = owner.scope === 'Namespaced' ? object.metadata.namespace : undefined;
    return [{ namespace, name: reference.name }];
  };
}

/** An object that changes hands wakes both. */
function keysOf<T extends KubernetesObject>(change: Change<T>, keysFor: Mapper<T>): Set<string> {
  const objects = change.type === 'updated' ? [change.before, change.after] : [change.object];
  return new Set(objects.flatMap((object) => keysFor(object).map(formatKey)));
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
