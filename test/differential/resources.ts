/** The resources that the sequences are about: where they are, a good object of each, and what may be changed in one. */
import type { Json, JsonObject } from '../conformance/raw-http.js';
import * as fields from './fields.js';
import type { Change } from './fields.js';

export interface FuzzedResource {
  readonly plural: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** What a good object has besides its name. */
  readonly content: JsonObject;
  /** Changes worth trying, good and bad. */
  readonly changes: readonly Change[];
  /** Changes of its status. */
  readonly statusChanges: readonly Change[];
  readonly subresources: readonly ('status' | 'scale')[];
  readonly fieldSelectors: readonly string[];
  /** Strategic merge patches are for built-in kinds. */
  readonly custom: boolean;
}

export const customGroup = 'differential.incumbent.dev';

const plain = {
  statusChanges: [],
  subresources: [],
  fieldSelectors: ['metadata.name=a', 'metadata.name!=a', 'metadata.namespace=elsewhere', 'spec.nothing=a'],
  custom: false,
} as const;

const podSpec: JsonObject = { containers: [{ name: 'main', image: 'image:1' }] };
const appLabels = { app: 'a' };
const template = (more: JsonObject = {}): JsonObject => ({
  metadata: { labels: appLabels },
  spec: { ...podSpec, ...more },
});

export const resources: readonly FuzzedResource[] = [
  {
    ...plain,
    plural: 'configmaps',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    content: { data: { k: 'v' } },
    changes: fields.configMap,
  },
  {
    ...plain,
    plural: 'secrets',
    apiVersion: 'v1',
    kind: 'Secret',
    content: { data: { k: 'dg==' } },
    changes: fields.secret,
    fieldSelectors: [...plain.fieldSelectors, 'type=Opaque', 'type!=Opaque'],
  },
  {
    ...plain,
    plural: 'leases',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    content: { spec: { holderIdentity: 'me', leaseDurationSeconds: 15 } },
    changes: fields.lease,
  },
  {
    ...plain,
    plural: 'pods',
    apiVersion: 'v1',
    kind: 'Pod',
    content: { spec: podSpec },
    changes: fields.pod,
    statusChanges: fields.podStatus,
    subresources: ['status'],
    fieldSelectors: [
      ...plain.fieldSelectors,
      'status.phase=Running',
      'spec.nodeName=',
      'spec.restartPolicy=Always',
      'metadata.name=a,status.phase!=Failed',
    ],
  },
  {
    ...plain,
    plural: 'deployments',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    content: { spec: { selector: { matchLabels: appLabels }, template: template() } },
    changes: fields.deployment,
    statusChanges: fields.deploymentStatus,
    subresources: ['status', 'scale'],
  },
  {
    ...plain,
    plural: 'jobs',
    apiVersion: 'batch/v1',
    kind: 'Job',
    content: { spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } },
    changes: fields.job,
    statusChanges: fields.jobStatus,
    subresources: ['status'],
    fieldSelectors: [...plain.fieldSelectors, 'status.successful=0'],
  },
  {
    ...plain,
    plural: 'serviceaccounts',
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    content: {},
    changes: fields.serviceAccount,
  },
  {
    ...plain,
    plural: 'roles',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    content: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
    changes: fields.role,
  },
  {
    ...plain,
    plural: 'widgets',
    apiVersion: `${customGroup}/v1`,
    kind: 'Widget',
    content: { spec: { mode: 'slow' } },
    changes: fields.widget,
    statusChanges: fields.widgetStatus,
    subresources: ['status', 'scale'],
    custom: true,
  },
];

export function resourceOf(plural: string): FuzzedResource {
  const found = resources.find((resource) => resource.plural === plural);
  if (found) return found;
  throw new Error(`no sequence is about ${plural}`);
}

export function pathOf(namespace: string, plural: string, name = '', subresource = ''): string {
  const { apiVersion } = resourceOf(plural);
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const parts = [root, 'namespaces', namespace, plural, ...[name, subresource].filter((part) => part !== '')];
  return parts.join('/');
}

export function goodObject({ apiVersion, kind, content }: FuzzedResource, name: string): JsonObject {
  return { apiVersion, kind, metadata: { name }, ...content };
}

const text: JsonObject = { type: 'string' };
const integer: JsonObject = { type: 'integer' };
const object = (properties: JsonObject, more: JsonObject = {}): Json => ({
  type: 'object',
  properties,
  ...more,
});
const list = (items: Json, more: JsonObject = {}): JsonObject => ({ type: 'array', items, ...more });

const widgetSpec = object(
  {
    mode: { ...text, enum: ['slow', 'fast'] },
    replicas: { ...integer, format: 'int32', minimum: 0, maximum: 10, default: 1 },
    title: { ...text, pattern: '^[a-z]+$', maxLength: 5 },
    when: { ...text, format: 'date-time' },
    ratio: { type: 'number', exclusiveMinimum: true, minimum: 0 },
    on: { type: 'boolean', nullable: true },
    port: { 'x-kubernetes-int-or-string': true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    pairs: { type: 'object', additionalProperties: text, maxProperties: 2 },
    parts: list(
      object({ name: text, weight: { ...integer, default: 5 }, note: text }, { required: ['name'] }),
      {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
    ),
    tags: list(text, { 'x-kubernetes-list-type': 'set', maxItems: 3 }),
    steps: list(integer, { minItems: 1 }),
    whole: object({ left: text, right: text }, { 'x-kubernetes-map-type': 'atomic' }),
    nested: object({ depth: { ...integer, default: 2 }, side: text }, { default: {} }),
  },
  { required: ['mode'] },
);

const widgetStatus = object({
  phase: text,
  replicas: integer,
  conditions: list(object({ type: text, status: text }, { required: ['type'] }), {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  }),
});

export const widgetDefinition: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${customGroup}` },
  spec: {
    group: customGroup,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: object({ spec: widgetSpec, status: widgetStatus }, { required: ['spec'] }),
        },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      },
    ],
  },
};
