/**
 * Fields of built-in kinds that are left out when they are false, 0 or empty, because in Go they are values and no pointers.
 * The OpenAPI documents don't tell them from fields that keep such a value.
 */
const fieldsOf: Readonly<Record<string, readonly string[]>> = {
  ConfigMapKeySelector: ['name'],
  Container: [
    'image',
    'imagePullPolicy',
    'stdin',
    'stdinOnce',
    'terminationMessagePath',
    'terminationMessagePolicy',
    'tty',
    'workingDir',
  ],
  ContainerPort: ['hostIP', 'hostPort', 'name', 'protocol'],
  CronJobSpec: ['concurrencyPolicy'],
  DaemonSetSpec: ['minReadySeconds'],
  DeploymentCondition: ['message', 'reason'],
  DeploymentSpec: ['minReadySeconds', 'paused'],
  DeploymentStatus: [
    'availableReplicas',
    'observedGeneration',
    'readyReplicas',
    'replicas',
    'unavailableReplicas',
    'updatedReplicas',
  ],
  DeploymentStrategy: ['type'],
  EnvVar: ['value'],
  JobCondition: ['message', 'reason'],
  JobStatus: ['active', 'completedIndexes', 'failed', 'succeeded'],
  LocalObjectReference: ['name'],
  ObjectMeta: ['generateName', 'generation', 'name', 'namespace', 'resourceVersion', 'selfLink', 'uid'],
  ObjectReference: ['apiVersion', 'fieldPath', 'kind', 'name', 'namespace', 'resourceVersion', 'uid'],
  PersistentVolumeClaimSpec: ['volumeName'],
  PodCondition: ['message', 'observedGeneration', 'reason'],
  PodSpec: [
    'dnsPolicy',
    'hostIPC',
    'hostNetwork',
    'hostPID',
    'hostname',
    'nodeName',
    'priorityClassName',
    'restartPolicy',
    'schedulerName',
    'serviceAccount',
    'serviceAccountName',
    'subdomain',
  ],
  PodStatus: [
    'hostIP',
    'message',
    'nominatedNodeName',
    'observedGeneration',
    'phase',
    'podIP',
    'qosClass',
    'reason',
  ],
  ReplicaSetSpec: ['minReadySeconds'],
  ReplicaSetStatus: ['availableReplicas', 'fullyLabeledReplicas', 'observedGeneration', 'readyReplicas'],
  Secret: ['type'],
  ServicePort: ['name', 'nodePort', 'protocol'],
  ServiceSpec: ['clusterIP', 'externalName', 'loadBalancerIP', 'publishNotReadyAddresses', 'type'],
  StatefulSetSpec: ['minReadySeconds', 'podManagementPolicy'],
  StatefulSetStatus: ['currentReplicas', 'observedGeneration', 'readyReplicas', 'updatedReplicas'],
  Toleration: ['effect', 'key', 'operator', 'value'],
  VolumeMount: ['readOnly', 'subPath', 'subPathExpr'],
};

const omitted = new Map(Object.entries(fieldsOf).map(([struct, fields]) => [struct, new Set(fields)]));

/** @param struct - the Go type without its package */
export function isOmittedZero(struct: string, field: string, value: unknown): boolean {
  return (value === false || value === 0 || value === '') && omitted.get(struct)?.has(field) === true;
}
