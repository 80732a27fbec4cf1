/** What is there before the first request: four namespaces, and the roles that clients need to look around. */
import type { JsonObject } from '../object/json.js';
import type { Kernel } from './kernel.js';
import { systemContext } from './write-context.js';

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const rbac = 'rbac.authorization.k8s.io';

const readPaths = (...nonResourceURLs: readonly string[]): JsonObject => ({
  verbs: ['get'],
  nonResourceURLs,
});

const roles: Readonly<Record<string, readonly JsonObject[]>> = {
  'cluster-admin': [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  ],
  'system:discovery': [
    readPaths(
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/openapi',
      '/openapi/*',
      '/readyz',
      '/version',
      '/version/',
    ),
  ],
  'system:public-info-viewer': [readPaths('/healthz', '/livez', '/readyz', '/version', '/version/')],
  'system:basic-user': [
    {
      verbs: ['create'],
      apiGroups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    },
    { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
  ],
};

const bindings: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['system:masters'],
  'system:discovery': ['system:authenticated'],
  'system:public-info-viewer': ['system:authenticated', 'system:unauthenticated'],
  'system:basic-user': ['system:authenticated'],
};

export function bootstrap({ registry, objects }: Kernel): void {
  const context = systemContext('kube-apiserver', 'create');
  const create = (group: string, plural: string, object: JsonObject): void => {
    const resource = registry.find(group, 'v1', plural);
    if (resource === undefined) throw new Error(`the built-in resource ${plural} is missing`);
    const { kind } = resource.definition;
    const typed = { kind, apiVersion: resource.apiVersion, ...object };
    objects.create(resource, resource.definition.decode(typed).object, context);
  };
  for (const name of namespaces) create('', 'namespaces', { metadata: { name } });
  for (const [name, rules] of Object.entries(roles)) {
    create(rbac, 'clusterroles', { metadata: metadataOf(name), rules });
  }
  for (const [name, groups] of Object.entries(bindings)) {
    create(rbac, 'clusterrolebindings', {
      metadata: metadataOf(name),
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: groups.map((group) => ({ apiGroup: rbac, kind: 'Group', name: group })),
    });
  }
}

const metadataOf = (name: string): JsonObject => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
});
