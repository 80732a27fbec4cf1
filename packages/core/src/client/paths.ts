import { IncumbentError } from '../kit/error.js';
import type { ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';

/** `/apis/apps/v1/namespaces/web/deployments`; without a namespace the collection over all of them. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const root = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`;
  const scope =
    resource.scope === 'Namespaced' && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${resource.plural}`;
}

export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  if (!key.name) throw new IncumbentError('KEY_INVALID', `${resource.kind}: a name is needed.`);
  if (resource.scope === 'Namespaced' && !key.namespace)
    throw new IncumbentError('KEY_INVALID', `${resource.kind} ${key.name}: a namespace is needed.`);
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource ? `${path}/${subresource}` : path;
}
