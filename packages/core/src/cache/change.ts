import type { KubernetesObject } from '../api/object.js';
import { type Cached, metaOf } from './cached.js';

/** What became of an object. */
export type Change<T extends KubernetesObject> =
  | { readonly type: 'added' | 'deleted'; readonly object: Cached<T> }
  | { readonly type: 'updated'; readonly before: Cached<T>; readonly after: Cached<T> };

/**
 * What happened to a name between two looks at it: nothing if the versions are the same. Another uid means that the object was deleted
 * and another one created under its name, unseen.
 */
export function changesBetween<T extends KubernetesObject>(
  before: Cached<T> | undefined,
  after: Cached<T> | undefined,
): Change<T>[] {
  if (before === undefined) return after === undefined ? [] : [{ type: 'added', object: after }];
  if (after === undefined) return [{ type: 'deleted', object: before }];
  const was = metaOf<T>(before);
  const is = metaOf<T>(after);
  if (was.uid !== is.uid)
    return [{ type: 'deleted', object: before }, ...changesBetween<T>(undefined, after)];
  return was.resourceVersion === is.resourceVersion ? [] : [{ type: 'updated', before, after }];
}
