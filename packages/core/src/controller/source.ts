/** What wakes a controller from within the cluster, and for which of its objects. */
import { controllerOf } from '../api/owner-reference.js';
import { formatKey, type KubernetesObject, keyOf } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { Change } from '../cache/change.js';
import type { Informer } from '../cache/informer.js';
import type { Logger } from '../kit/logger.js';
import type { CacheView } from './cache-view.js';
import { type Wake, wakeOf } from './cause.js';
import type { CacheReader } from './context.js';
import type { Mapper } from './watch.js';
import type { ControllerDefinition } from './definition.js';
import { contentChanges, type Predicate, userChanges } from './predicate.js';

/** Objects of one kind whose changes wake a controller. */
interface ObjectSource<T extends KubernetesObject> {
  readonly type: 'changed' | 'owned' | 'watched';
  readonly resource: Resource<T>;
  readonly informers: readonly Informer<T>[];
  readonly predicate: Predicate<T>;
  readonly map: Mapper<T>;
}

/** Who is woken, and by what. */
export interface Listener {
  readonly cache: CacheReader;
  readonly log: Logger;
  /** Whether anybody wants to know now: where nobody does, nothing is computed. */
  isOpen(): boolean;
  wake(key: string, wake: Wake): void;
}

/** Listens to everything that a controller declares, from now on. */
export function listenToAll<T extends KubernetesObject>(
  definition: ControllerDefinition<T>,
  view: CacheView,
  listener: Listener,
): void {
  const { resource, owns, watches = [], finalizer } = definition;
  listen(
    {
      type: 'changed',
      resource,
      informers: view.informersOf(resource),
      predicate: definition.predicate ?? userChanges(finalizer?.name),
      map: (object) => [keyOf(object)],
    },
    listener,
  );
  const toOwner = controllerIn(resource);
  for (const child of owns) {
    const informers = view.informersIn(child, definition.namespaces);
    listen({ type: 'owned', resource: child, informers, predicate: contentChanges, map: toOwner }, listener);
  }
  for (const { namespaces = definition.namespaces, ...each } of watches)
    listen({ type: 'watched', ...each, informers: view.informersIn(each.resource, namespaces) }, listener);
}

function listen<T extends KubernetesObject>(source: ObjectSource<T>, listener: Listener): void {
  for (const informer of source.informers) {
    informer.addHandler({
      added: (object, isInitial) =>
        hear(isInitial ? 'initial' : source.type, { type: 'added', object }, { source, listener }),
      updated: (before, after) => hear(source.type, { type: 'updated', before, after }, { source, listener }),
      deleted: (object) => hear(source.type, { type: 'deleted', object }, { source, listener }),
    });
  }
}

function hear<T extends KubernetesObject>(
  type: Wake['type'],
  change: Change<T>,
  { source, listener }: { source: ObjectSource<T>; listener: Listener },
): void {
  if (!listener.isOpen()) return;
  // Most objects of an owned kind are others': to find that out is cheaper than to compare two states.
  const owners = source.type === 'owned' ? keysOf(change, source, listener) : undefined;
  if (owners?.size === 0 || !passes(change, source, listener)) return;
  const keys = owners ?? keysOf(change, source, listener);
  if (keys.size === 0) return;
  const wake = wakeOf(type, source.resource, change);
  for (const key of keys) listener.wake(key, wake);
}

/** A predicate that throws lets the change pass: better once too often than never. */
function passes<T extends KubernetesObject>(
  change: Change<T>,
  { predicate, resource }: ObjectSource<T>,
  { log }: Listener,
): boolean {
  try {
    return predicate(change);
  } catch (err) {
    log.error({ err, kind: resource.kind }, 'a predicate threw: the change counts');
    return true;
  }
}

/** An object that changes hands wakes both. */
function keysOf<T extends KubernetesObject>(
  change: Change<T>,
  { map, resource }: ObjectSource<T>,
  { cache, log }: Listener,
): Set<string> {
  const keys = new Set<string>();
  const objects = change.type === 'updated' ? [change.before, change.after] : [change.object];
  for (const object of objects) {
    try {
      for (const key of map(object, cache)) keys.add(formatKey(key));
    } catch (err) {
      log.error({ err, kind: resource.kind }, 'a mapper threw: it wakes nobody');
    }
  }
  return keys;
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

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
