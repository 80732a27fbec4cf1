/** What the server fills into a pod's spec, alone or in the template of a workload. */
import { isJsonObject } from '../../object/json.js';
import type { Json, JsonObject } from '../../object/json.js';
import { listAt, objectAt, textAt } from '../meta.js';
import { fill, within, withinEach } from './defaults.js';

const fileMode = 0o644;

/** Defaults of a pod spec that hold in templates too. */
export function fillPodSpec(spec: JsonObject): JsonObject {
  const filled = fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  const containers = ['containers', 'initContainers'].reduce(
    (result, key) => withinEach(result, key, fillContainer),
    withinEach(filled, 'volumes', fillVolume),
  );
  return mirrorServiceAccount(containers);
}

/** The two names of one field are kept equal. */
function mirrorServiceAccount(spec: JsonObject): JsonObject {
  const account = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
  return account === '' ? spec : { ...spec, serviceAccountName: account, serviceAccount: account };
}

export function fillPodTemplate(owner: JsonObject): JsonObject {
  return within(owner, 'template', (template) =>
    within(fill(template, { metadata: {} }), 'spec', fillPodSpec),
  );
}

function fillContainer(container: JsonObject): JsonObject {
  const filled = fill(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(textAt(container, 'image')),
  });
  const probed = ['livenessProbe', 'readinessProbe', 'startupProbe'].reduce(
    (result, key) => within(result, key, fillProbe),
    filled,
  );
  const ports = withinEach(probed, 'ports', (port) => fill(port, { protocol: 'TCP' }));
  return withinEach(ports, 'env', fillVariable);
}

function pullPolicy(image: string): string {
  const tag = /:([^:/@]+)$/.exec(image)?.[1];
  return image.includes('@') || (tag !== undefined && tag !== 'latest') ? 'IfNotPresent' : 'Always';
}

function fillProbe(probe: JsonObject): JsonObject {
  const filled = fill(probe, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  return within(filled, 'httpGet', (get) => fill(get, { path: '/', scheme: 'HTTP' }));
}

function fillVariable(variable: JsonObject): JsonObject {
  return within(variable, 'valueFrom', (from) => within(from, 'fieldRef', fillFieldReference));
}

const fillFieldReference = (reference: JsonObject): JsonObject => fill(reference, { apiVersion: 'v1' });

/** Of a pod itself; a template is filled in when a pod is made of it. */
function requestLimits(spec: JsonObject): JsonObject {
  return ['containers', 'initContainers'].reduce(
    (result, key) =>
      withinEach(result, key, (container) => within(container, 'resources', requestWhatIsLimited)),
    spec,
  );
}

function requestWhatIsLimited(resources: JsonObject): JsonObject {
  if (!isJsonObject(resources['limits'])) return resources;
  return { ...resources, requests: fill(objectAt(resources, 'requests'), resources['limits']) };
}

function fillVolume(volume: JsonObject): JsonObject {
  if (Object.keys(volume).length === 1) return { ...volume, emptyDir: {} };
  const files = (source: JsonObject): JsonObject => fill(source, { defaultMode: fileMode });
  const items = (source: JsonObject): JsonObject =>
    withinEach(source, 'items', (item) => within(item, 'fieldRef', fillFieldReference));
  const plain = ['secret', 'configMap', 'downwardAPI', 'projected'].reduce(
    (result, key) => within(result, key, files),
    volume,
  );
  const described = within(plain, 'downwardAPI', items);
  const path = within(described, 'hostPath', (source) => fill(source, { type: '' }));
  return within(path, 'projected', (source) => withinEach(source, 'sources', fillProjection));
}

function fillProjection(source: JsonObject): JsonObject {
  const token = within(source, 'serviceAccountToken', (value) => fill(value, { expirationSeconds: 3600 }));
  return within(token, 'downwardAPI', (value) =>
    withinEach(value, 'items', (item) => within(item, 'fieldRef', fillFieldReference)),
  );
}

const evictAfterFiveMinutes = (key: string): JsonObject => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
});

export function fillPod(pod: JsonObject): JsonObject {
  return within(fill(pod, { spec: {} }), 'spec', (spec) =>
    fill(requestLimits(fillPodSpec(spec)), { enableServiceLinks: true }),
  );
}

/** What the admission that is always on adds to a new pod. */
export function admitPod(pod: JsonObject): JsonObject {
  return within(pod, 'spec', (spec) =>
    fill(tolerateLostNodes(spec), { preemptionPolicy: 'PreemptLowerPriority', priority: 0 }),
  );
}

/** For five minutes, unless the pod says something else about them. */
function tolerateLostNodes(spec: JsonObject): JsonObject {
  const given = listAt(spec, 'tolerations');
  const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
    (key) => !given.some((toleration) => tolerates(toleration, key)),
  );
  return missing.length === 0
    ? spec
    : { ...spec, tolerations: [...given, ...missing.map(evictAfterFiveMinutes)] };
}

function tolerates(toleration: Json, wanted: string): boolean {
  const [key, effect] = [textAt(toleration, 'key'), textAt(toleration, 'effect')];
  return (key === '' || key === wanted) && (effect === '' || effect === 'NoExecute');
}
