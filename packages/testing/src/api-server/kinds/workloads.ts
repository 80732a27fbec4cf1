/** Pods and what runs them: Job, CronJob, Deployment, ReplicaSet, StatefulSet. Nothing here is ever run. */
import { deepEqual } from '../../object/equal.js';
import { fieldForbidden, fieldInvalid, fieldRequired } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import { isJsonObject, valueAt } from '../../object/json.js';
import { labelErrors } from '../../object/object-meta.js';
import { labelSelectorOf, matchesLabels } from '../../object/selectors.js';
import type { Json, JsonObject } from '../../object/json.js';
import {
  labelsOf,
  listAt,
  nameOf,
  numberAt,
  objectAt,
  textAt,
  uidOf,
  withFields,
  withMetadata,
  withValueAt,
} from '../meta.js';
import { strategy } from '../strategy.js';
import type { Strategy } from '../strategy.js';
import { fill, within, withinEach } from './defaults.js';
import { admitPod, fillPod, fillPodTemplate } from './pod-defaults.js';
import { podErrors } from './pod-rules.js';

/** Times that a condition has even where nobody gave them. */
const timedConditions =
  (...times: readonly string[]) =>
  (object: JsonObject): JsonObject =>
    within(object, 'status', (status) =>
      withinEach(status, 'conditions', (condition) =>
        fill(condition, Object.fromEntries(times.map((time) => [time, null]))),
      ),
    );

const inSpec =
  (defaults: JsonObject) =>
  (object: JsonObject): JsonObject =>
    within(fill(object, { spec: {} }), 'spec', (spec) => fillPodTemplate(fill(spec, defaults)));

/** Defaults apply on each write; the status starts empty. */
function workload(fillObject: (object: JsonObject) => JsonObject, rules: Partial<Strategy> = {}): Strategy {
  return strategy({
    hasStatus: true,
    countsGeneration: true,
    defaults: fillObject,
    prepareCreate: (object) => ({ ...object, status: {} }),
    validate: validateWorkload,
    ...rules,
  });
}

function validateWorkload(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  return [
    ...replicaErrors(object),
    ...selectorErrors(object),
    ...templateErrors(object),
    ...(before === undefined ? [] : immutableErrors(object, before, ['selector'])),
  ];
}

function replicaErrors(object: JsonObject): readonly FieldError[] {
  const replicas = numberAt(object, ['spec', 'replicas']);
  return replicas < 0 ? [fieldInvalid('spec.replicas', replicas, 'must be greater than or equal to 0')] : [];
}

function selectorErrors(object: JsonObject): readonly FieldError[] {
  const selector = valueAt(object, 'spec', 'selector');
  const labels = labelsOf(objectAt(object, 'spec', 'template'));
  const mismatch = fieldInvalid(
    'spec.template.metadata.labels',
    labels,
    '`selector` does not match template `labels`',
  );
  if (!isJsonObject(selector)) return [fieldRequired('spec.selector'), mismatch];
  if (Object.keys(selector).length === 0 && textAt(object, 'kind') !== 'Job') {
    const kind = textAt(object, 'kind') === 'StatefulSet' ? 'statefulset' : 'deployment';
    return [fieldInvalid('spec.selector', selector, `empty selector is invalid for ${kind}`)];
  }
  return matchesLabels(labelSelectorOf(selector), labels) ? [] : [mismatch];
}

function immutableErrors(
  object: JsonObject,
  before: JsonObject,
  fields: readonly string[],
): readonly FieldError[] {
  return fields
    .filter((field) => !deepEqual(valueAt(object, 'spec', field), valueAt(before, 'spec', field)))
    .map((field) =>
      fieldInvalid(`spec.${field}`, valueAt(object, 'spec', field) ?? null, 'field is immutable'),
    );
}

const isFirst = (error: FieldError, index: number, all: readonly FieldError[]): boolean =>
  all.findIndex((other) => deepEqual({ ...other }, { ...error })) === index;

function templateErrors(object: JsonObject): readonly FieldError[] {
  const labels = valueAt(object, 'spec', 'template', 'metadata', 'labels');
  return [
    ...labelErrors(labels, 'spec.template.labels').filter(isFirst),
    ...podErrors(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
  ];
}

const rollingUpdate = (strategyOf: JsonObject, parameters: JsonObject): JsonObject => {
  const filled = fill(strategyOf, { type: 'RollingUpdate' });
  if (filled['type'] !== 'RollingUpdate') return filled;
  return within(fill(filled, { rollingUpdate: {} }), 'rollingUpdate', (given) => fill(given, parameters));
};

function fillDeployment(object: JsonObject): JsonObject {
  const filled = inSpec({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  })(object);
  return within(timedConditions('lastUpdateTime', 'lastTransitionTime')(filled), 'spec', (spec) =>
    within(spec, 'strategy', (given) => rollingUpdate(given, { maxUnavailable: '25%', maxSurge: '25%' })),
  );
}

function fillStatefulSet(object: JsonObject): JsonObject {
  const filled = inSpec({
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    revisionHistoryLimit: 10,
    updateStrategy: {},
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  })(object);
  return within(filled, 'spec', (spec) =>
    within(spec, 'updateStrategy', (given) => rollingUpdate(given, { partition: 0, maxUnavailable: 1 })),
  );
}

/** A Deployment's own labels are not written through its status. */
/** Of those that are counted, none may be more than there are. */
function countErrors(object: JsonObject): readonly FieldError[] {
  const count = (field: string): number => numberAt(object, ['status', field]);
  const above = (field: string, other: string, words: string): readonly FieldError[] =>
    count(field) > count(other) ? [fieldInvalid(`status.${field}`, count(field), words)] : [];
  const more = 'cannot be greater than status.replicas';
  return [
    ...above('updatedReplicas', 'replicas', more),
    ...above('readyReplicas', 'replicas', more),
    ...above('availableReplicas', 'replicas', more),
    ...above('availableReplicas', 'readyReplicas', 'cannot be greater than readyReplicas'),
  ];
}

function strategyErrors(object: JsonObject): readonly FieldError[] {
  const { type, rollingUpdate } = objectAt(object, 'spec', 'strategy');
  if (type !== 'Recreate' || rollingUpdate === undefined) return [];
  return [
    fieldForbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"),
  ];
}

export const deployments = workload(fillDeployment, {
  validate: (object, before) => [
    ...validateWorkload(object, before),
    ...strategyErrors(object),
    ...countErrors(object),
  ],
  countsAnnotations: true,
  keptByStatus: [['metadata', 'labels']],
  prepareStatus: (next, before) =>
    withMetadata(withFields(before, { status: next['status'] ?? {}, metadata: next['metadata'] }), {
      labels: valueAt(before, 'metadata', 'labels'),
    }),
});

export const replicaSets = workload(inSpec({ replicas: 1 }), {
  prepareCreate: (object) => ({ ...object, status: { replicas: 0 } }),
});

export const statefulSets = workload(fillStatefulSet, {
  prepareCreate: (object) => ({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
});

const jobDefaults = {
  backoffLimit: 6,
  manualSelector: false,
  completionMode: 'NonIndexed',
  suspend: false,
};

function fillJobSpec(spec: JsonObject): JsonObject {
  const neither = spec['completions'] === undefined && spec['parallelism'] === undefined;
  const counts: JsonObject = neither ? { completions: 1, parallelism: 1 } : { parallelism: 1 };
  const failure = isJsonObject(spec['podFailurePolicy']) ? 'Failed' : 'TerminatingOrFailed';
  return fillPodTemplate(fill(spec, { ...counts, ...jobDefaults, podReplacementPolicy: failure }));
}

/** A Job selects its pods by its own uid, unless it says that it brings a selector. */
function createJob(object: JsonObject): JsonObject {
  const started: JsonObject = { ...object, status: {} };
  if (valueAt(object, 'spec', 'manualSelector') === true) return started;
  const labels = generatedLabels(object);
  const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uidOf(object) } };
  const path = ['spec', 'template', 'metadata', 'labels'];
  const template = withValueAt(started, path, { ...objectAt(started, ...path), ...labels });
  return withValueAt(
    withMetadata(template, { labels: jobLabels(object, labels) }),
    ['spec', 'selector'],
    selector,
  );
}

/** A Job without labels of its own shares those of its template, if there were any before the server's own; not if its name is generated. */
function jobLabels(object: JsonObject, generated: JsonObject): JsonObject | undefined {
  const own = labelsOf(object);
  const shared = labelsOf(objectAt(object, 'spec', 'template'));
  const base = textAt(object, 'metadata', 'generateName');
  const isNamed = base === '' || !nameOf(object).startsWith(base);
  if (Object.keys(own).length > 0 && !(isNamed && deepEqual(own, shared))) return own;
  return Object.keys(shared).length > 0 ? { ...shared, ...generated } : undefined;
}

/** Whatever reads a Job without labels sees those of its template. */
function withTemplateLabels(object: JsonObject): JsonObject {
  const shared = objectAt(object, 'spec', 'template', 'metadata', 'labels');
  const isBare = Object.keys(labelsOf(object)).length === 0 && Object.keys(shared).length > 0;
  return isBare ? withMetadata(object, { labels: shared }) : object;
}

function validateJob(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const errors = [...templateErrors(object), ...restartErrors(object), ...selectorErrors(object)];
  if (before === undefined) return errors;
  return [
    ...errors,
    ...immutableErrors(object, before, ['completions', 'selector', 'completionMode']),
    ...templateChangeErrors(object, before),
    ...startErrors(object, before),
  ];
}

function generatedLabels(job: JsonObject): Readonly<Record<string, string>> {
  return {
    'batch.kubernetes.io/controller-uid': uidOf(job),
    'batch.kubernetes.io/job-name': nameOf(job),
    'controller-uid': uidOf(job),
    'job-name': nameOf(job),
  };
}

/** A Job that runs has started when it started. */
function startErrors(object: JsonObject, before: JsonObject): readonly FieldError[] {
  const field = 'startTime';
  const [now, then] = [textAt(object, 'status', field), textAt(before, 'status', field)];
  if (then === '' || now === then || valueAt(object, 'spec', 'suspend') === true) return [];
  const words = `${field} cannot be ${now === '' ? 'removed' : 'modified'} for unsuspended job`;
  return [fieldInvalid(`status.${field}`, now === '' ? null : now, words)];
}

/** Of a suspended Job that never started, where pods go may change, and what they are called. */
function templateChangeErrors(object: JsonObject, before: JsonObject): readonly FieldError[] {
  const waits = valueAt(before, 'spec', 'suspend') === true && textAt(before, 'status', 'startTime') === '';
  if (!waits) return immutableErrors(object, before, ['template']);
  const mutable = {
    affinity: undefined,
    nodeSelector: undefined,
    schedulingGates: undefined,
    tolerations: undefined,
  };
  const [next, old] = [object, before].map((job) => objectAt(job, 'spec', 'template', 'spec'));
  if (deepEqual(withFields(next ?? {}, mutable), withFields(old ?? {}, mutable))) return [];
  return [fieldInvalid('spec.template.spec', next ?? {}, 'field is immutable')];
}

function restartErrors(object: JsonObject): readonly FieldError[] {
  const policy = textAt(object, 'spec', 'template', 'spec', 'restartPolicy');
  if (policy === 'OnFailure' || policy === 'Never') return [];
  return [fieldRequired('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"')];
}

const fillJob = (object: JsonObject): JsonObject =>
  timedConditions(
    'lastProbeTime',
    'lastTransitionTime',
  )(within(fill(object, { spec: {} }), 'spec', fillJobSpec));

export const jobs = strategy({
  hasStatus: true,
  countsGeneration: true,
  orphansByDefault: true,
  defaults: (object) => withTemplateLabels(fillJob(object)),
  prepareCreate: createJob,
  onRead: withTemplateLabels,
  validate: validateJob,
});

const fillCronJob = (object: JsonObject): JsonObject =>
  within(fill(object, { spec: {} }), 'spec', (spec) =>
    within(
      fill(spec, {
        concurrencyPolicy: 'Allow',
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      }),
      'jobTemplate',
      (template) => within(fill(template, { metadata: {} }), 'spec', fillPodTemplate),
    ),
  );

export const cronJobs = workload(fillCronJob, { validate: () => [] });

function validatePod(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const errors = [...podErrors(objectAt(object, 'spec'), 'spec')];
  if (before === undefined) return errors;
  const count = (pod: JsonObject, list: string): number => listAt(pod, 'spec', list).length;
  for (const list of ['containers', 'initContainers']) {
    if (count(object, list) !== count(before, list)) {
      return [...errors, fieldForbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
  }
  errors.push(...deadlineErrors(object, before), ...tolerationErrors(object, before));
  if (deepEqual(frozenPodSpec(object), frozenPodSpec(before))) return errors;
  return [
    ...errors,
    {
      reason: 'FieldValueForbidden',
      field: 'spec',
      message:
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    },
  ];
}

/** It may be set, and made shorter. */
function deadlineErrors(object: JsonObject, before: JsonObject): readonly FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  const [now, then] = [object, before].map((pod) => valueAt(pod, 'spec', 'activeDeadlineSeconds'));
  if (typeof then !== 'number') return [];
  if (typeof now !== 'number') {
    return [fieldInvalid(field, null, 'must not update from a positive integer to nil value')];
  }
  return now > then ? [fieldInvalid(field, now, 'must be less than or equal to previous value')] : [];
}

/** Others may join those that are there. */
function tolerationErrors(object: JsonObject, before: JsonObject): readonly FieldError[] {
  const timeless = (toleration: Json): Json =>
    isJsonObject(toleration) ? withFields(toleration, { tolerationSeconds: undefined }) : toleration;
  const present = listAt(object, 'spec', 'tolerations').map(timeless);
  return listAt(before, 'spec', 'tolerations')
    .map(timeless)
    .filter((toleration) => !present.some((other) => deepEqual(other, toleration)))
    .map(() =>
      fieldForbidden(
        'spec.tolerations',
        'existing toleration can not be modified except its tolerationSeconds',
      ),
    );
}

function frozenPodSpec(object: JsonObject): JsonObject {
  const withoutImages = (list: string) =>
    listAt(object, 'spec', list).map((item) =>
      isJsonObject(item) ? withFields(item, { image: undefined }) : item,
    );
  return withFields(objectAt(object, 'spec'), {
    containers: withoutImages('containers'),
    initContainers: withoutImages('initContainers'),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
  });
}

/** A pod's address is the first of its addresses. */
const mirrorAddress = (pod: JsonObject): JsonObject =>
  within(pod, 'status', (status) => {
    const [address, first] = [textAt(status, 'podIP'), textAt(listAt(status, 'podIPs')[0], 'ip')];
    if (address === '') return first === '' ? status : { ...status, podIP: first };
    return address === first ? status : { ...status, podIPs: [{ ip: address }] };
  });

export const pods = strategy({
  hasStatus: true,
  countsGeneration: true,
  returnsDeleted: true,
  defaults: (pod) => mirrorAddress(timedConditions('lastProbeTime', 'lastTransitionTime')(fillPod(pod))),
  prepareCreate: (object) => ({
    ...admitPod(object),
    status: { phase: 'Pending', qosClass: qualityOf(object) },
  }),
  keptByStatus: [
    ['metadata', 'ownerReferences'],
    ['metadata', 'deletionTimestamp'],
  ],
  // A pod that is replaced as it was written at first is admitted as it was then.
  prepareUpdate: (next) => admitPod(next),
  prepareStatus: (next, before) => {
    const status = objectAt(next, 'status');
    const { ownerReferences, deletionTimestamp, deletionGracePeriodSeconds } = objectAt(before, 'metadata');
    return withMetadata(
      withFields(before, {
        status: fill(status, { qosClass: valueAt(before, 'status', 'qosClass') ?? 'BestEffort' }),
        metadata: next['metadata'],
      }),
      { ownerReferences, deletionTimestamp, deletionGracePeriodSeconds },
    );
  },
  validate: validatePod,
});

function qualityOf(pod: JsonObject): string {
  const resources = [...listAt(pod, 'spec', 'containers'), ...listAt(pod, 'spec', 'initContainers')].map(
    (container) => objectAt(container, 'resources'),
  );
  if (resources.every((r) => !isJsonObject(r['limits']) && !isJsonObject(r['requests']))) return 'BestEffort';
  const guaranteed = resources.every((r) => {
    const limits = objectAt(r, 'limits');
    const full = limits['cpu'] !== undefined && limits['memory'] !== undefined;
    return full && (r['requests'] === undefined || deepEqual(r['requests'], limits));
  });
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
