import { createHash } from 'node:crypto';
import { type DeepReadonly, type Draft, type KubernetesObject, type ObjectKey } from '../api/object.js';
import { apiVersionOf, type Resource } from '../api/resource.js';
import type { ApplyOptions } from '../client/writer.js';
import { canonicalJson, isWithin } from '../kit/json.js';
import type { ReconcileContext } from './context.js';

/** On an object that was applied: what was applied last, as a hash, by manager. */
const APPLIED = 'incumbent.dev/applied-';

export type AppliedDraft<T extends KubernetesObject> = Draft<T> & { readonly metadata: ObjectKey };

/**
 * Server-side apply that sends nothing when nothing would change: the same was applied last, and every applied field is still in place.
 *
 * What was applied last stands on the object as an annotation, so that a new leader knows it too: it needn't apply everything once.
 * A field that the server writes in another form than it was given (`1000m` becomes `1`) looks changed and is applied each time,
 * which the server takes as no change.
 *
 * `force` is on by default: a controller's fields are its own.
 */
export async function applyIfChanged<T extends KubernetesObject>(
  { client, get }: Pick<ReconcileContext, 'client' | 'get'>,
  resource: Resource<T>,
  desired: AppliedDraft<T>,
  options: ApplyOptions,
): Promise<DeepReadonly<T>> {
  const { namespace, name } = desired.metadata;
  const draft = annotated(resource, desired, options.fieldManager);
  const current = await get(resource, { namespace, name });
  if (current !== undefined && isWithin(draft, current)) return current;
  return (await client.apply(resource, draft, { force: true, ...options })) as DeepReadonly<T>;
}

function annotated<T extends KubernetesObject>(
  resource: Resource<T>,
  desired: AppliedDraft<T>,
  fieldManager: string,
): AppliedDraft<T> {
  const { metadata } = desired;
  const hash = createHash('sha256')
    .update(canonicalJson([fieldManager, apiVersionOf(resource), desired]))
    .digest('hex')
    .slice(0, 16);
  const annotations = { ...metadata.annotations, [`${APPLIED}${managerLabel(fieldManager)}`]: hash };
  return { ...desired, metadata: { ...metadata, annotations } };
}

/** A manager's name as the end of an annotation's name, which has at most 63 characters and ends with a letter or digit. */
function managerLabel(fieldManager: string): string {
  return fieldManager
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 50)
    .replace(/[^A-Za-z0-9]+$/, '');
}
