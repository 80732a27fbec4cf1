import { Observable } from 'rxjs';
import type { KubernetesObject } from '../api/object.js';
import type { Cached } from './cached.js';
import type { InformerHandler } from './handlers.js';

export type InformerEvent<T extends KubernetesObject> =
  | { readonly type: 'added'; readonly object: Cached<T>; readonly isInitial: boolean }
  | { readonly type: 'updated'; readonly before: Cached<T>; readonly after: Cached<T> }
  | { readonly type: 'deleted'; readonly object: Cached<T> };

interface Observed<T extends KubernetesObject> {
  addHandler(handler: InformerHandler<T>): () => void;
}

/**
 * The changes as a stream to compose with others. Each subscriber first gets the objects that are there, as `added`; all share the one
 * watch of the informer. Never ends, never fails: unsubscribing removes the handler.
 */
export function observable<T extends KubernetesObject>(informer: Observed<T>): Observable<InformerEvent<T>> {
  return new Observable((subscriber) =>
    informer.addHandler({
      added: (object, isInitial) => subscriber.next({ type: 'added', object, isInitial }),
      updated: (before, after) => subscriber.next({ type: 'updated', before, after }),
      deleted: (object) => subscriber.next({ type: 'deleted', object }),
    }),
  );
}
