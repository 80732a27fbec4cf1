/** Pods and what runs them: Job, CronJob, Deployment, ReplicaSet, StatefulSet. Nothing here is ever run. */
import { deepEqual } from '../../object/equal.js';
import { fieldInvalid, fieldRequired } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import { isJsonObject, valueAt } from '../../object/json.js';
import { labelSelectorOf, matchesLabels } from '../../object/selectors.js';
import type { JsonObject } from '../../object/json.js';
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
    ...templateNeedsContainers(object),
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

function templateNeedsContainers(object: JsonObject): readonly FieldError[] {
  const containers = listAt(object, 'spec', 'template', 'spec', 'containers');
  return containers.length === 0 ? [fieldRequired('spec.template.spec.containers')] : [];
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
  return within(filled, 'spec', (spec) =>
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
export const deployments = workload(fillDeployment, {
  prepareStatus: (next, before) =>
    withMetadata(withFields(before, { status: next['status'], metadata: next['metadata'] }), {
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
  const labels = {
    'batch.kubernetes.io/controller-uid': uidOf(object),
    'batch.kubernetes.io/job-name': nameOf(object),
    'controller-uid': uidOf(object),
    'job-name': nameOf(object),
  };
  const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uidOf(object) } };
  const path = ['spec', 'template', 'metadata', 'labels'];
  const template = withValueAt(started, path, { ...objectAt(started, ...path), ...labels });
  return withValueAt(
    withMetadata(template, { labels: { ...labelsOf(template), ...jobLabels(object, labels) } }),
    ['spec', 'selector'],
    selector,
  );
}

/** Labels of the template appear on a Job that has none of its own. */
function jobLabels(object: JsonObject, labels: JsonObject): JsonObject {
  if (Object.keys(labelsOf(object)).length > 0) return {};
  return { ...labelsOf(objectAt(object, 'spec', 'template')), ...labels };
}

function validateJob(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const errors = [...templateNeedsContainers(object), ...restartErrors(object)];
  if (before === undefined) return errors;
  return [
    ...errors,
    ...immutableErrors(object, before, ['completions', 'selector', 'template', 'completionMode']),
  ];
}

function restartErrors(object: JsonObject): readonly FieldError[] {
  const policy = textAt(object, 'spec', 'template', 'spec', 'restartPolicy');
  if (policy === 'OnFailure' || policy === 'Never') return [];
  return [fieldRequired('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"')];
}

export const jobs = strategy({
  hasStatus: true,
  countsGeneration: true,
  orphansByDefault: true,
  defaults: (object) => within(fill(object, { spec: {} }), 'spec', fillJobSpec),
  prepareCreate: createJob,
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
  if (listAt(object, 'spec', 'containers').length === 0) return [fieldRequired('spec.containers')];
  if (before === undefined || deepEqual(frozenPodSpec(object), frozenPodSpec(before))) return [];
  return [
    {
      reason: 'FieldValueForbidden',
      field: 'spec',
      message:
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    },
  ];
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

export const pods = strategy({
  hasStatus: true,
  countsGeneration: true,
  returnsDeleted: true,
  defaults: (pod) => timedConditions('lastProbeTime', 'lastTransitionTime')(fillPod(pod)),
  prepareCreate: (object) => ({
    ...admitPod(object),
    status: { phase: 'Pending', qosClass: qualityOf(object) },
  }),
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
