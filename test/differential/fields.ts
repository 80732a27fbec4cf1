/** What the sequences write into objects: places, and the good and bad values that are tried there. */
import type { Json, JsonObject } from '../conformance/raw-http.js';
import { placeholders } from './step.js';

export interface Change {
  readonly path: readonly string[];
  readonly values: readonly Json[];
}

const change = (path: string, ...values: Json[]): Change => ({ path: path.split('.'), values });

const owner = (more: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: 'owner',
  uid: '11111111-1111-4111-8111-111111111111',
  ...more,
});

/** Of all objects. */
export const metadata: readonly Change[] = [
  change('metadata.labels', { tier: 'x' }, { tier: 'y', app: 'a' }, {}, null),
  change('metadata.labels', { 'bad key': 'x' }, { tier: 'bad value!' }, { tier: 5 }, 'text', { tier: null }),
  change('metadata.labels.tier', 'x', 'z', '', null),
  change(
    'metadata.annotations',
    { note: 'one' },
    { note: 'two', 'example.com/n': '' },
    { 'bad key': 'x' },
    null,
  ),
  change('metadata.annotations.note', 'three', null, true),
  change('metadata.finalizers', ['example.com/stay'], ['example.com/stay', 'example.com/too'], [], null, [
    'bad',
  ]),
  change(
    'metadata.ownerReferences',
    [owner()],
    [owner({ controller: true, blockOwnerDeletion: true })],
    null,
  ),
  change(
    'metadata.ownerReferences',
    [owner({ uid: '' })],
    [owner({ name: '' }), owner({ kind: '' })],
    [owner({ apiVersion: 'a/b/c' })],
    [owner({ controller: true }), owner({ controller: true, uid: '22222222-2222-4222-8222-222222222222' })],
  ),
  change('metadata.resourceVersion', placeholders.version, placeholders.staleVersion, '', '0', 'abc', 7),
  change('metadata.uid', placeholders.uid, '33333333-3333-4333-8333-333333333333', ''),
  change('metadata.generation', 7),
  change('metadata.creationTimestamp', '2001-01-01T00:00:00Z', null, 'yesterday'),
  change('metadata.deletionTimestamp', '2001-01-01T00:00:00Z'),
  change('metadata.managedFields', [], [{}]),
  change('metadata.name', 'b', '', 'Bad_Name', null, 5),
  change('metadata.namespace', 'elsewhere', ''),
  change('metadata.unknown', 'x'),
  change('metadata', null, {}, 'text'),
  change('apiVersion', 'v2', null),
  change('kind', 'Other', '', null),
  change('unknown', 1, { deep: true }),
];

const keyed = [{ k: 'v' }, { k: 'w', l: 'x' }, {}, null, { k: 5 }, { 'bad/key': 'x' }, 'text', { k: null }];

export const configMap: readonly Change[] = [
  change('data', ...keyed),
  change('data.k', 'v', 'w', '', null, 5),
  change('data.l', 'x', null),
  change('binaryData', { b: 'YQ==' }, { k: 'YQ==' }, { b: '###' }, null),
  change('immutable', true, false, null, 'yes'),
];

export const secret: readonly Change[] = [
  change('data', { k: 'dg==' }, { k: 'dw==', l: '' }, {}, null, { k: '###' }, { 'bad/key': 'dg==' }),
  // No null: bytes that are null and those that are empty look alike, and the store tells them apart.
  change('data.k', 'dw==', 5),
  change('stringData', { k: 'plain' }, { m: 'more' }, {}, null, { k: 5 }),
  change('type', 'Opaque', 'example.com/own', '', null),
  change('immutable', true, false, null),
];

export const lease: readonly Change[] = [
  change('spec', {}, null, 'text', { holderIdentity: 'you' }),
  change('spec.holderIdentity', 'you', '', null, 5),
  change('spec.leaseDurationSeconds', 30, 0, -1, null, 'x', 1.5),
  change('spec.leaseTransitions', 1, -1, null),
  change(
    'spec.renewTime',
    '2026-01-01T00:00:00.000000Z',
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.1Z',
    null,
  ),
  change('spec.acquireTime', '2026-01-01T00:00:00.123456Z', 'now'),
  change('spec.strategy', 'OldestEmulationVersion', 'Bad'),
  change('spec.preferredHolder', 'you', null),
  change('spec.unknown', 'x'),
];

const container = (more: JsonObject = {}): JsonObject => ({ name: 'main', image: 'image:1', ...more });
const containers = (prefix: string): Change[] => [
  change(
    `${prefix}containers`,
    [container({ image: 'image:2' })],
    [container(), container({ name: 'side' })],
    [container({ env: [{ name: 'A', value: '1' }, { name: 'B' }], ports: [{ containerPort: 80 }] })],
    [container({ resources: { limits: { cpu: '1', memory: '64Mi' } } })],
    [],
    null,
  ),
];

export const pod: readonly Change[] = [
  ...containers('spec.'),
  change('spec.restartPolicy', 'Never', 'OnFailure', null),
  change('spec.nodeName', 'node', null),
  change('spec.terminationGracePeriodSeconds', 0, 5, null),
  change('spec.activeDeadlineSeconds', 60, null),
  change('spec.tolerations', [{ key: 'a', operator: 'Exists' }], []),
  change('spec.hostNetwork', true, 'x'),
  change('spec.unknown', 1),
  change('spec', null, 'text'),
];

const podConditions = [
  { type: 'Ready', status: 'True' },
  { type: 'Ready', status: 'False', reason: 'NotYet' },
  { type: 'example.com/gate', status: 'True' },
] as const;

export const podStatus: readonly Change[] = [
  change('status.phase', 'Running', 'Failed', 'Succeeded', null, 5),
  change('status.conditions', [podConditions[0]], [podConditions[1], podConditions[2]], [], null),
  change('status.message', 'hello', null),
  change('status.podIP', '10.0.0.1'),
  change('status.unknown', 1),
  change('status', {}, null),
];

export const deployment: readonly Change[] = [
  ...containers('spec.template.spec.'),
  change('spec.replicas', 0, 3, -1, null, 'x'),
  change('spec.paused', true, false, null),
  change('spec.minReadySeconds', 5, null),
  change('spec.strategy', { type: 'Recreate' }, { rollingUpdate: { maxSurge: 1 } }, null),
  change('spec.selector', { matchLabels: { app: 'b' } }, null, {}),
  change('spec.template.metadata.labels', { app: 'a', more: 'x' }, { app: 'b' }, null),
  change('spec.template.metadata.annotations', { at: 'now' }, null),
  change('spec.unknown', 1),
  change('spec', null),
];

export const deploymentStatus: readonly Change[] = [
  change('status.observedGeneration', 1, 2, null),
  change('status.replicas', 1, 3, null),
  change('status.readyReplicas', 1, null),
  change('status.conditions', [{ type: 'Available', status: 'True' }], [], null),
  change('status.unknown', 1),
  change('status', {}, null),
];

export const job: readonly Change[] = [
  change('spec.template.spec.containers', [container({ image: 'image:2' })], [], null),
  change('spec.template.spec.restartPolicy', 'OnFailure', 'Always', null),
  change('spec.template.metadata', { labels: { app: 'a' } }, null),
  change('spec.parallelism', 2, 0, null, 'x'),
  change('spec.completions', 1, 3, null),
  change('spec.backoffLimit', 0, 2, null),
  change('spec.suspend', true, false, null),
  change('spec.ttlSecondsAfterFinished', 60, null),
  change('spec.activeDeadlineSeconds', 60, null),
  change('spec.unknown', 1),
  change('spec', null),
];

export const jobStatus: readonly Change[] = [
  change('status.active', 1, null),
  change('status.startTime', '2026-01-01T00:00:00Z', null),
  change('status.unknown', 1),
  change('status', {}, null),
];

export const serviceAccount: readonly Change[] = [
  change('automountServiceAccountToken', true, false, null, 'yes'),
  change('imagePullSecrets', [{ name: 'a' }], [{ name: 'b' }, { name: 'c' }], [], null),
  change('secrets', [{ name: 's' }], [{ name: 't', namespace: 'x' }], null),
];

export const role: readonly Change[] = [
  change(
    'rules',
    [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] }],
    [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['get', 'list'], resourceNames: ['a'] }],
    [],
    null,
    [{ apiGroups: [''], resources: ['pods'], verbs: [] }],
    [{ verbs: ['get'] }],
    [{ nonResourceURLs: ['/x'], verbs: ['get'] }],
    'text',
  ),
];

const part = (name: string, more: JsonObject = {}): JsonObject => ({ name, ...more });

export const widget: readonly Change[] = [
  change('spec', null, {}, 'text', { mode: 'fast' }),
  change('spec.mode', 'fast', 'slow', 'other', null, 5),
  change('spec.replicas', 0, 3, 11, -1, null, 'x', 1.5),
  change('spec.title', 'abc', 'ABC', 'abcdefg', null),
  change('spec.when', '2026-01-01T00:00:00Z', 'soon'),
  change('spec.ratio', 0.5, 0, 2),
  change('spec.on', true, null, 'x'),
  change('spec.port', 80, 'http', true),
  change('spec.free', { any: { thing: [1, 'x', null] } }, {}, null),
  change('spec.pairs', { a: '1' }, { a: '1', b: '2', c: '3' }, { a: 1 }, null),
  change('spec.pairs.a', '2', null),
  change(
    'spec.parts',
    [part('p')],
    [part('p', { weight: 1 }), part('q', { note: 'n' })],
    [part('q')],
    [part('p'), part('p')],
    [{ weight: 1 }],
    [part('p', { unknown: 1 })],
    [],
    null,
  ),
  change('spec.tags', ['x'], ['y', 'x'], ['x', 'x'], ['a', 'b', 'c', 'd'], [5], [], null),
  change('spec.steps', [1, 2], [], ['x']),
  change('spec.whole', { left: 'l' }, { right: 'r' }, null),
  change('spec.nested', {}, null, { side: 's' }, { depth: 4 }),
  change('spec.nested.side', 't', null),
  change('spec.unknown', 1, { deep: 'x' }),
  change('status.phase', 'Ready'),
];

export const widgetStatus: readonly Change[] = [
  change('status.phase', 'Ready', 'Failed', null, 5),
  change('status.replicas', 1, 3, null, 'x'),
  change(
    'status.conditions',
    [{ type: 'Ready', status: 'True' }],
    [{ type: 'Ready' }, { type: 'Other' }],
    null,
  ),
  change('status.conditions', [{ status: 'True' }], [{ type: 'Ready' }, { type: 'Ready' }]),
  change('status.unknown', 1),
  change('status', {}, null),
  change('spec.replicas', 4),
];
