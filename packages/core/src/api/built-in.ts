import type {
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1CustomResourceDefinition,
  V1Deployment,
  V1Ingress,
  V1Job,
  V1Lease,
  V1Namespace,
  V1PersistentVolumeClaim,
  V1Pod,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
} from '@kubernetes/client-node';
import type { KubernetesObject } from './object.js';
import { type Resource, resource } from './resource.js';

/** client-node's type as it is on the wire: it types times as `Date`, which are strings, and metadata as optional, which the server always sets. */
export type Wire<T> = WireBody<Omit<T, 'apiVersion' | 'kind' | 'metadata'>> & KubernetesObject;

type WireBody<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? WireBody<Item>[]
    : T extends object
      ? { [Key in keyof T]: WireBody<T[Key]> }
      : T;

export type ClusterRole = Wire<V1ClusterRole>;
export type ClusterRoleBinding = Wire<V1ClusterRoleBinding>;
export type ConfigMap = Wire<V1ConfigMap>;
export type CustomResourceDefinition = Wire<V1CustomResourceDefinition>;
export type Deployment = Wire<V1Deployment>;
export type Ingress = Wire<V1Ingress>;
export type Job = Wire<V1Job>;
export type Lease = Wire<V1Lease>;
export type Namespace = Wire<V1Namespace>;
export type PersistentVolumeClaim = Wire<V1PersistentVolumeClaim>;
export type Pod = Wire<V1Pod>;
export type Role = Wire<V1Role>;
export type RoleBinding = Wire<V1RoleBinding>;
export type Secret = Wire<V1Secret>;
export type Service = Wire<V1Service>;
export type ServiceAccount = Wire<V1ServiceAccount>;

const RBAC = 'rbac.authorization.k8s.io';

export const ClusterRole: Resource<ClusterRole> = resource({
  group: RBAC,
  version: 'v1',
  kind: 'ClusterRole',
  scope: 'Cluster',
});
export const ClusterRoleBinding: Resource<ClusterRoleBinding> = resource({
  group: RBAC,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  scope: 'Cluster',
});
export const ConfigMap: Resource<ConfigMap> = resource({ group: '', version: 'v1', kind: 'ConfigMap' });
export const CustomResourceDefinition: Resource<CustomResourceDefinition> = resource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  scope: 'Cluster',
});
export const Deployment: Resource<Deployment> = resource({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
});
export const Ingress: Resource<Ingress> = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
});
export const Job: Resource<Job> = resource({ group: 'batch', version: 'v1', kind: 'Job' });
export const Lease: Resource<Lease> = resource({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
});
export const Namespace: Resource<Namespace> = resource({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  scope: 'Cluster',
});
export const PersistentVolumeClaim: Resource<PersistentVolumeClaim> = resource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
});
export const Pod: Resource<Pod> = resource({ group: '', version: 'v1', kind: 'Pod' });
export const Role: Resource<Role> = resource({ group: RBAC, version: 'v1', kind: 'Role' });
export const RoleBinding: Resource<RoleBinding> = resource({
  group: RBAC,
  version: 'v1',
  kind: 'RoleBinding',
});
export const Secret: Resource<Secret> = resource({ group: '', version: 'v1', kind: 'Secret' });
export const Service: Resource<Service> = resource({ group: '', version: 'v1', kind: 'Service' });
export const ServiceAccount: Resource<ServiceAccount> = resource({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
});
