/** The built-in resources that are served, as a table. */
import { decodeBuiltIn } from '../../object/unknown-fields.js';
import { builtInFields } from '../../object/selectors.js';
import { schemaFor } from '../../object/schema.js';
import * as columns from '../columns.js';
import { Resource } from '../resource.js';
import type { ResourceDefinition, Subresource } from '../resource.js';
import type { Strategy } from '../strategy.js';
import type { Column } from '../table.js';
import * as access from './access.js';
import { customResourceDefinitions } from './definitions.js';
import { coreEvents, fromEventsGroup, newEvents, toEventsGroup } from './events.js';
import * as simple from './simple-kinds.js';
import * as workloads from './workloads.js';

interface Entry {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly strategy: Strategy;
  readonly columns: readonly Column[];
  readonly clusterScoped?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly Subresource[];
  readonly storedAs?: string;
  readonly withoutDeleteCollection?: boolean;
}

const readAndWrite = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const statusVerbs = ['get', 'patch', 'update'];
const status = (kind: string): Subresource => ({ name: 'status', kind, verbs: statusVerbs });
const scale: Subresource = {
  name: 'scale',
  kind: 'Scale',
  group: 'autoscaling',
  version: 'v1',
  verbs: statusVerbs,
};
const token: Subresource = {
  name: 'token',
  kind: 'TokenRequest',
  group: 'authentication.k8s.io',
  version: 'v1',
  verbs: ['create'],
};
const all = ['all'];
const rbac = 'rbac.authorization.k8s.io';

const entries: readonly Entry[] = [
  {
    group: '',
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    strategy: simple.configMaps,
    columns: columns.configMapColumns,
  },
  {
    group: '',
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    strategy: coreEvents,
    columns: columns.eventColumns,
  },
  {
    group: '',
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    clusterScoped: true,
    withoutDeleteCollection: true,
    strategy: simple.namespaces,
    columns: columns.namespaceColumns,
    subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }, status('Namespace')],
  },
  {
    group: '',
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    clusterScoped: true,
    strategy: simple.nodes,
    columns: columns.nodeColumns,
    subresources: [status('Node')],
  },
  {
    group: '',
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    shortNames: ['pvc'],
    strategy: simple.volumeClaims,
    columns: columns.volumeClaimColumns,
    subresources: [status('PersistentVolumeClaim')],
  },
  {
    group: '',
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    categories: all,
    strategy: workloads.pods,
    columns: columns.podColumns,
    subresources: [status('Pod')],
  },
  { group: '', kind: 'Secret', plural: 'secrets', strategy: simple.secrets, columns: columns.secretColumns },
  {
    group: '',
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: all,
    strategy: simple.services,
    columns: columns.serviceColumns,
    subresources: [status('Service')],
  },
  {
    group: '',
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    strategy: simple.serviceAccounts,
    columns: columns.serviceAccountColumns,
    subresources: [token],
  },
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    clusterScoped: true,
    strategy: customResourceDefinitions,
    columns: columns.definitionColumns,
    subresources: [status('CustomResourceDefinition')],
  },
  {
    group: 'apps',
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    categories: all,
    strategy: workloads.deployments,
    columns: columns.deploymentColumns,
    subresources: [scale, status('Deployment')],
  },
  {
    group: 'apps',
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    categories: all,
    strategy: workloads.replicaSets,
    columns: columns.replicaSetColumns,
    subresources: [scale, status('ReplicaSet')],
  },
  {
    group: 'apps',
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    categories: all,
    strategy: workloads.statefulSets,
    columns: columns.statefulSetColumns,
    subresources: [scale, status('StatefulSet')],
  },
  {
    group: 'batch',
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    categories: all,
    strategy: workloads.cronJobs,
    columns: columns.cronJobColumns,
    subresources: [status('CronJob')],
  },
  {
    group: 'batch',
    kind: 'Job',
    plural: 'jobs',
    categories: all,
    strategy: workloads.jobs,
    columns: columns.jobColumns,
    subresources: [status('Job')],
  },
  {
    group: 'coordination.k8s.io',
    kind: 'Lease',
    plural: 'leases',
    strategy: simple.leases,
    columns: columns.leaseColumns,
  },
  {
    group: 'events.k8s.io',
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    strategy: newEvents,
    columns: columns.eventColumns,
    storedAs: '/events',
  },
  {
    group: 'networking.k8s.io',
    kind: 'Ingress',
    plural: 'ingresses',
    shortNames: ['ing'],
    strategy: simple.ingresses,
    columns: columns.ingressColumns,
    subresources: [status('Ingress')],
  },
  {
    group: 'policy',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    strategy: simple.disruptionBudgets,
    columns: columns.disruptionBudgetColumns,
    subresources: [status('PodDisruptionBudget')],
  },
  {
    group: rbac,
    kind: 'ClusterRole',
    plural: 'clusterroles',
    clusterScoped: true,
    strategy: access.roles,
    columns: columns.roleColumns,
  },
  {
    group: rbac,
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    clusterScoped: true,
    strategy: access.bindings,
    columns: columns.bindingColumns,
  },
  { group: rbac, kind: 'Role', plural: 'roles', strategy: access.roles, columns: columns.roleColumns },
  {
    group: rbac,
    kind: 'RoleBinding',
    plural: 'rolebindings',
    strategy: access.bindings,
    columns: columns.bindingColumns,
  },
];

export function builtInResources(): readonly Resource[] {
  return entries.map((entry) => new Resource(definitionOf(entry)));
}

function definitionOf(entry: Entry): ResourceDefinition {
  const { group, kind, plural, clusterScoped, strategy } = entry;
  const gvk = { group, version: 'v1', kind };
  const schema = schemaFor(gvk);
  if (schema === undefined) throw new Error(`no built-in schema for ${group}/v1 ${kind}`);
  return {
    group,
    version: 'v1',
    plural,
    singular: kind.toLowerCase(),
    kind,
    listKind: `${kind}List`,
    namespaced: clusterScoped !== true,
    shortNames: entry.shortNames ?? [],
    categories: entry.categories ?? [],
    verbs:
      entry.withoutDeleteCollection === true
        ? readAndWrite.filter((v) => v !== 'deletecollection')
        : readAndWrite,
    subresources: entry.subresources ?? [],
    schema,
    strategy,
    columns: entry.columns,
    custom: false,
    storedAs: entry.storedAs ?? `${group}/${plural}`,
    fields: builtInFields({ group, kind }),
    ...(entry.storedAs === '/events' ? { fromStorage: toEventsGroup, toStorage: fromEventsGroup } : {}),
    ...(strategy.onRead === undefined ? {} : { fromStorage: strategy.onRead }),
    decode: (object) => {
      const { object: decoded, unknown, problem } = decodeBuiltIn(object, schema);
      return { object: problem === undefined ? strategy.defaults(decoded) : decoded, unknown, problem };
    },
  };
}
