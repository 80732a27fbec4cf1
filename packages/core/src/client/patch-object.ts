import { type DeepReadonly, type KubernetesObject, keyOf } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import { copyJson, type JsonObject, mergePatchBetween } from '../kit/json.js';
import type { SubresourceOptions, Writer } from './writer.js';

export interface PatchObjectOptions extends SubresourceOptions {
  /**
   * Whether somebody else's write since `before` makes this one a 409. Without, it may undo that write where both touch one list or one field.
   *
   * @defaultValue true
   */
  readonly exclusive?: boolean;
}

/**
 * Sends what `change` does to a copy of `before`, and nothing else, as a merge patch: fields that others own, or that this program
 * doesn't know, stay as they are. Without a difference nothing is sent, and `before` comes back.
 *
 * @throws {@link ApiError} 409 when `before` is no longer the newest, unless `exclusive` is off: a reconciler lets it pass, and is called again
 */
export async function patchObject<T extends KubernetesObject>(
  writer: Writer,
  resource: Resource<T>,
  before: DeepReadonly<T>,
  change: (draft: T) => void,
  { exclusive = true, ...options }: PatchObjectOptions = {},
): Promise<DeepReadonly<T>> {
  const draft = copyJson(before) as T;
  change(draft);
  const patch = mergePatchBetween(before as unknown as JsonObject, draft as unknown as JsonObject);
  if (!patch) return before;
  const { uid, resourceVersion } = (before as DeepReadonly<KubernetesObject>).metadata;
  const metadata = {
    ...(patch['metadata'] as object | undefined),
    uid,
    ...(exclusive && { resourceVersion }),
  };
  const key = keyOf(before as DeepReadonly<KubernetesObject>);
  return (await writer.patch(
    resource,
    key,
    { type: 'merge', patch: { ...patch, metadata } },
    options,
  )) as DeepReadonly<T>;
}

/** As {@link patchObject}, of the status: changes elsewhere are ignored by the server. */
export function patchStatus<T extends KubernetesObject>(
  writer: Writer,
  resource: Resource<T>,
  before: DeepReadonly<T>,
  change: (draft: T) => void,
  options: PatchObjectOptions = {},
): Promise<DeepReadonly<T>> {
  return patchObject(writer, resource, before, change, { ...options, subresource: 'status' });
}
