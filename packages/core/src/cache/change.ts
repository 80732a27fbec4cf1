import type { KubernetesObject } from '../api/object.js';
import type { Cached } from './cached.js';
import type { StoredObject } from './stored-object.js';

/** What became of an object. */
export type Change<T extends KubernetesObject> =
  | { readonly type: 'added' | 'deleted'; readonly object: Cached<T> }
  | { readonly type: 'updated'; readonly before: Cached<T>; readonly after: Cached<T> };

/** A {@link Change} of objects that are parsed only if somebody wants to know. */
export type StoredChange<T extends KubernetesObject> =
  | {
      readonly type: 'added';
      readonly key: string;
      readonly after: StoredObject<T>;
      readonly before?: undefined;
    }
  | {
      readonly type: 'deleted';
      readonly key: string;
      readonly before: StoredObject<T>;
      readonly after?: undefined;
    }
  | {
      readonly type: 'updated';
      readonly key: string;
      readonly before: StoredObject<T>;
      readonly after: StoredObject<T>;
    };

/**
 * What happened to a name between two looks at it: nothing if the versions are the same. Another uid means that the object was deleted
 * and another one created under its name, unseen.
 */
export function changesBetween<T extends KubernetesObject>(
  key: string,
  before: StoredObject<T> | undefined,
  after: StoredObject<T> | undefined,
): StoredChange<T>[] {
  if (before === undefined) return after === undefined ? [] : [{ type: 'added', key, after }];
  if (after === undefined) return [{ type: 'deleted', key, before }];
  if (before.metadata.uid !== after.metadata.uid)
    return [
      { type: 'deleted', key, before },
      { type: 'added', key, after },
    ];
  const isSame = before.metadata.resourceVersion === after.metadata.resourceVersion;
  return isSame ? [] : [{ type: 'updated', key, before, after }];
}
