import { type DeepReadonly, type KubernetesObject, keyOf } from '../api/object.js';
import type { CacheView } from './cache-view.js';
import type { ReconcileContext } from './context.js';
import type { ControllerRuntime } from './controller-runtime.js';
import type { ControllerDefinition } from './definition.js';
import { NotingWriter } from './noting-writer.js';
import type { OwnVersions } from './own-versions.js';
import { readThrough } from './read-through.js';

export interface CallOptions<T extends KubernetesObject> {
  readonly definition: Pick<ControllerDefinition<T>, 'name' | 'resource'>;
  readonly runtime: ControllerRuntime;
  readonly view: CacheView;
  readonly object: DeepReadonly<T>;
  /** What one call gets of its own. */
  readonly call: Pick<ReconcileContext, 'term' | 'signal' | 'log' | 'causes'>;
  /** Remembers what it writes. */
  readonly own: OwnVersions;
}

export function contextFor<T extends KubernetesObject>({
  definition,
  runtime,
  view,
  object,
  call,
  own,
}: CallOptions<T>): ReconcileContext {
  const client = new NotingWriter(runtime.client.under(call.term), {
    cache: runtime.cache,
    controller: { view, own },
  });
  const reading = { cache: view, client, signal: call.signal };
  const get: ReconcileContext['get'] = (other, key) => readThrough(reading, other, key);
  return Object.freeze({
    ...call,
    key: keyOf(object),
    controller: definition.name,
    client,
    cache: view,
    get,
    events: runtime.events.recorderFor(definition.resource, object, definition.name),
    clock: runtime.clock,
  });
}
