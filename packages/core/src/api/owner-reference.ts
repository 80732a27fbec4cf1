import { IncumbentError } from '../kit/error.js';
import { type DeepReadonly, formatKey, type KubernetesObject, keyOf, type OwnerReference } from './object.js';
import { apiVersionOf, type Resource } from './resource.js';

/**
 * A reference that makes `owner` the controller of `child`: its reconciler wakes when the child changes, and the child is
 * collected with it.
 *
 * @throws {@link IncumbentError} `OWNER_NAMESPACE` when the child is in another namespace than its owner: the garbage collector would delete it
 */
export function controllerReference(
  resource: Resource,
  owner: DeepReadonly<KubernetesObject>,
  child: { readonly namespace?: string | undefined },
): OwnerReference {
  return { ...ownerReference(resource, owner, child), controller: true, blockOwnerDeletion: true };
}

/** A plain reference: the child is collected when the last of its owners is gone. */
export function ownerReference(
  resource: Resource,
  owner: DeepReadonly<KubernetesObject>,
  child: { readonly namespace?: string | undefined },
): OwnerReference {
  const { name, namespace, uid } = owner.metadata;
  if (namespace && namespace !== child.namespace) {
    throw new IncumbentError(
      'OWNER_NAMESPACE',
      `${resource.kind} ${formatKey(keyOf(owner))} can't own an object in ${child.namespace ? `namespace ${child.namespace}` : 'the cluster scope'}: owner and child must share a namespace.`,
    );
  }
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid };
}

/** The one owner that controls this object. */
export function controllerOf(
  object: DeepReadonly<KubernetesObject>,
): DeepReadonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}
