/** The columns that `kubectl get` shows for the built-in kinds. */
import { isJsonObject, valueAt } from '../object/json.js';
import type { Json, JsonObject } from '../object/json.js';
import { labelsOf, listAt, nameOf, numberAt, objectAt, textAt } from './meta.js';
import { age, ageOf, humanDuration } from './table.js';
import type { Column } from './table.js';
import { formatSelector } from './label-text.js';

type Cell = (object: JsonObject, now: Date) => Json;
const column = (name: string, type: string, cell: Cell): Column => ({ name, type, cell });
const text = (name: string, cell: Cell): Column => column(name, 'string', cell);
const wide = (name: string, cell: Cell): Column => ({ ...text(name, cell), priority: 1 });
const integer = (name: string, cell: Cell): Column => column(name, 'integer', cell);

const nameColumn: Column = { ...text('Name', nameOf), format: 'name' };
const ageColumn = text('Age', ageOf);
const createdAt = column('Created At', 'date', (object) => textAt(object, 'metadata', 'creationTimestamp'));
const path =
  (...keys: readonly string[]): Cell =>
  (object) =>
    textAt(object, ...keys);
const or = (value: string, fallback: string): string => (value === '' ? fallback : value);
const printed = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));
const joined = (values: readonly Json[]): string => values.map(printed).join(',');
const countKeys = (...maps: readonly JsonObject[]): number =>
  maps.reduce((total, map) => total + Object.keys(map).length, 0);

const containersOf = (spec: JsonObject): readonly Json[] => listAt(spec, 'containers');
const podSpecOf = (object: JsonObject): JsonObject => objectAt(object, 'spec', 'template', 'spec');
const containerColumns = (podSpec: (object: JsonObject) => JsonObject): readonly Column[] => [
  wide('Containers', (object) => joined(containersOf(podSpec(object)).map((c) => textAt(c, 'name')))),
  wide('Images', (object) => joined(containersOf(podSpec(object)).map((c) => textAt(c, 'image')))),
];
const selectorColumn = wide('Selector', (object) => formatSelector(objectAt(object, 'spec', 'selector')));

const intOrString = (object: JsonObject, fallback: string, ...keys: readonly string[]): string => {
  const value = valueAt(object, ...keys);
  return typeof value === 'number' || typeof value === 'string' ? String(value) : fallback;
};

export const configMapColumns: readonly Column[] = [
  nameColumn,
  text('Data', (object) => countKeys(objectAt(object, 'data'), objectAt(object, 'binaryData'))),
  ageColumn,
];

export const secretColumns: readonly Column[] = [
  nameColumn,
  text('Type', path('type')),
  text('Data', (object) => countKeys(objectAt(object, 'data'))),
  ageColumn,
];

export const namespaceColumns: readonly Column[] = [
  nameColumn,
  text('Status', path('status', 'phase')),
  ageColumn,
];
export const leaseColumns: readonly Column[] = [
  nameColumn,
  text('Holder', path('spec', 'holderIdentity')),
  ageColumn,
];
export const serviceAccountColumns: readonly Column[] = [nameColumn, ageColumn];
export const roleColumns: readonly Column[] = [nameColumn, createdAt];
/** Kinds without columns of their own. */
export const defaultColumns: readonly Column[] = [nameColumn, createdAt];

const subjects =
  (kind: string): Cell =>
  (object) =>
    listAt(object, 'subjects')
      .filter((subject) => textAt(subject, 'kind') === kind)
      .map((subject) =>
        kind === 'ServiceAccount'
          ? `${textAt(subject, 'namespace')}/${textAt(subject, 'name')}`
          : textAt(subject, 'name'),
      )
      .join(', ');

export const bindingColumns: readonly Column[] = [
  nameColumn,
  text('Role', (object) => `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`),
  ageColumn,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
];

export const definitionColumns: readonly Column[] = [
  nameColumn,
  text('Scope', path('spec', 'scope')),
  text('Versions', (object) =>
    joined(
      listAt(object, 'spec', 'versions').map(
        (version) => textAt(version, 'name') + (valueAt(version, 'storage') === true ? '(storage)' : ''),
      ),
    ),
  ),
  createdAt,
  wide('Group', path('spec', 'group')),
  wide('Kind', path('spec', 'names', 'kind')),
  wide('ShortNames', (object) => joined(listAt(object, 'spec', 'names', 'shortNames'))),
  {
    ...column('Established', 'boolean', (object) => conditionStatus(object, 'Established') === 'True'),
    priority: 1,
  },
];

export const deploymentColumns: readonly Column[] = [
  nameColumn,
  text(
    'Ready',
    (object) =>
      `${numberAt(object, ['status', 'readyReplicas'])}/${numberAt(object, ['spec', 'replicas'], 1)}`,
  ),
  text('Up-to-date', (object) => numberAt(object, ['status', 'updatedReplicas'])),
  text('Available', (object) => numberAt(object, ['status', 'availableReplicas'])),
  ageColumn,
  ...containerColumns(podSpecOf),
  selectorColumn,
];

export const statefulSetColumns: readonly Column[] = [
  nameColumn,
  text(
    'Ready',
    (object) =>
      `${numberAt(object, ['status', 'readyReplicas'])}/${numberAt(object, ['spec', 'replicas'], 1)}`,
  ),
  ageColumn,
  ...containerColumns(podSpecOf),
];

export const replicaSetColumns: readonly Column[] = [
  nameColumn,
  integer('Desired', (object) => numberAt(object, ['spec', 'replicas'], 1)),
  integer('Current', (object) => numberAt(object, ['status', 'replicas'])),
  integer('Ready', (object) => numberAt(object, ['status', 'readyReplicas'])),
  ageColumn,
  ...containerColumns(podSpecOf),
  selectorColumn,
];

export const jobColumns: readonly Column[] = [
  nameColumn,
  text('Status', jobStatus),
  text('Completions', jobCompletions),
  text('Duration', jobDuration),
  ageColumn,
  ...containerColumns(podSpecOf),
  selectorColumn,
];

export const cronJobColumns: readonly Column[] = [
  nameColumn,
  text('Schedule', path('spec', 'schedule')),
  text('Timezone', (object) => or(textAt(object, 'spec', 'timeZone'), '<none>')),
  column('Suspend', 'boolean', (object) => (valueAt(object, 'spec', 'suspend') === true ? 'True' : 'False')),
  integer('Active', (object) => listAt(object, 'status', 'active').length),
  text('Last Schedule', (object, now) => {
    const last = textAt(object, 'status', 'lastScheduleTime');
    return last === '' ? '<none>' : age(last, now);
  }),
  ageColumn,
  ...containerColumns((object) => objectAt(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec')),
  wide('Selector', (object) => formatSelector(objectAt(object, 'spec', 'jobTemplate', 'spec', 'selector'))),
];

export const disruptionBudgetColumns: readonly Column[] = [
  nameColumn,
  text('Min Available', (object) => intOrString(object, 'N/A', 'spec', 'minAvailable')),
  text('Max Unavailable', (object) => intOrString(object, 'N/A', 'spec', 'maxUnavailable')),
  integer('Allowed Disruptions', (object) => numberAt(object, ['status', 'disruptionsAllowed'])),
  ageColumn,
];

export const serviceColumns: readonly Column[] = [
  nameColumn,
  text('Type', path('spec', 'type')),
  text('Cluster-IP', (object) => or(textAt(object, 'spec', 'clusterIP'), '<none>')),
  text('External-IP', (object) => or(joined(listAt(object, 'spec', 'externalIPs')), '<none>')),
  text('Port(s)', (object) => or(listAt(object, 'spec', 'ports').map(servicePort).join(','), '<none>')),
  ageColumn,
  wide('Selector', (object) => formatSelector({ matchLabels: objectAt(object, 'spec', 'selector') })),
];

export const ingressColumns: readonly Column[] = [
  nameColumn,
  text('Class', (object) => or(textAt(object, 'spec', 'ingressClassName'), '<none>')),
  text('Hosts', (object) =>
    or(joined(listAt(object, 'spec', 'rules').map((rule) => or(textAt(rule, 'host'), '*'))), '*'),
  ),
  text('Address', (object) =>
    joined(
      listAt(object, 'status', 'loadBalancer', 'ingress').map((each) =>
        or(textAt(each, 'ip'), textAt(each, 'hostname')),
      ),
    ),
  ),
  text('Ports', (object) => (listAt(object, 'spec', 'tls').length > 0 ? '80, 443' : '80')),
  ageColumn,
];

const accessModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

export const volumeClaimColumns: readonly Column[] = [
  nameColumn,
  text('Status', (object) =>
    textAt(object, 'metadata', 'deletionTimestamp') === ''
      ? textAt(object, 'status', 'phase')
      : 'Terminating',
  ),
  text('Volume', path('spec', 'volumeName')),
  text('Capacity', (object) =>
    textAt(object, 'spec', 'volumeName') === '' ? '' : textAt(object, 'status', 'capacity', 'storage'),
  ),
  text('Access Modes', (object) =>
    textAt(object, 'spec', 'volumeName') === ''
      ? ''
      : joined(listAt(object, 'status', 'accessModes').map((mode) => accessModes[printed(mode)] ?? mode)),
  ),
  text('StorageClass', path('spec', 'storageClassName')),
  text('VolumeAttributesClass', (object) =>
    or(textAt(object, 'spec', 'volumeAttributesClassName'), '<unset>'),
  ),
  ageColumn,
  wide('VolumeMode', (object) => or(textAt(object, 'spec', 'volumeMode'), '<unset>')),
];

export const nodeColumns: readonly Column[] = [
  nameColumn,
  text('Status', nodeStatus),
  text('Roles', nodeRoles),
  ageColumn,
  text('Version', path('status', 'nodeInfo', 'kubeletVersion')),
  wide('Internal-IP', nodeAddress('InternalIP')),
  wide('External-IP', nodeAddress('ExternalIP')),
  wide('OS-Image', (object) => or(textAt(object, 'status', 'nodeInfo', 'osImage'), '<unknown>')),
  wide('Kernel-Version', (object) => or(textAt(object, 'status', 'nodeInfo', 'kernelVersion'), '<unknown>')),
  wide('Container-Runtime', (object) =>
    or(textAt(object, 'status', 'nodeInfo', 'containerRuntimeVersion'), '<unknown>'),
  ),
];

export const podColumns: readonly Column[] = [
  nameColumn,
  text('Ready', (object) => {
    const ready = listAt(object, 'status', 'containerStatuses').filter((s) => valueAt(s, 'ready') === true);
    return `${ready.length}/${containersOf(objectAt(object, 'spec')).length}`;
  }),
  text('Status', podStatus),
  text('Restarts', (object) =>
    String(
      listAt(object, 'status', 'containerStatuses').reduce<number>(
        (total, status) => total + numberAt(status, ['restartCount']),
        0,
      ),
    ),
  ),
  ageColumn,
  wide('IP', (object) => or(textAt(object, 'status', 'podIP'), '<none>')),
  wide('Node', (object) => or(textAt(object, 'spec', 'nodeName'), '<none>')),
  wide('Nominated Node', (object) => or(textAt(object, 'status', 'nominatedNodeName'), '<none>')),
  wide('Readiness Gates', (object) => podReadinessGates(object)),
];

/** Of core events; events.k8s.io shows the same columns for the same objects. */
export const eventColumns: readonly Column[] = [
  text('Last Seen', lastSeen),
  text('Type', path('type')),
  text('Reason', path('reason')),
  text('Object', (object) => {
    const kind = textAt(object, 'involvedObject', 'kind').toLowerCase();
    const name = textAt(object, 'involvedObject', 'name');
    return kind === '' && name === '' ? '' : `${kind}/${name}`;
  }),
  wide('Subobject', path('involvedObject', 'fieldPath')),
  wide('Source', eventSource),
  text('Message', (object) => textAt(object, 'message').trim()),
  wide('First Seen', firstSeen),
  wide('Count', (object) => numberAt(object, ['series', 'count'], numberAt(object, ['count']) || 1)),
  { ...nameColumn, priority: 1 },
];

function conditionOf(object: JsonObject, type: string): Json | undefined {
  return listAt(object, 'status', 'conditions').find((condition) => textAt(condition, 'type') === type);
}

function conditionStatus(object: JsonObject, type: string): string {
  return textAt(conditionOf(object, type), 'status');
}

function jobStatus(object: JsonObject): string {
  const holds = (type: string): boolean => conditionStatus(object, type) === 'True';
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (textAt(object, 'metadata', 'deletionTimestamp') !== '') return 'Terminating';
  if (holds('Suspended')) return 'Suspended';
  if (holds('FailureTarget')) return 'FailureTarget';
  return holds('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function jobCompletions(object: JsonObject): string {
  const succeeded = numberAt(object, ['status', 'succeeded']);
  const completions = valueAt(object, 'spec', 'completions');
  if (typeof completions === 'number') return `${succeeded}/${completions}`;
  const parallelism = numberAt(object, ['spec', 'parallelism']);
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(object: JsonObject, now: Date): string {
  const start = textAt(object, 'status', 'startTime');
  if (start === '') return '';
  const end = textAt(object, 'status', 'completionTime');
  return humanDuration((end === '' ? now.getTime() : Date.parse(end)) - Date.parse(start));
}

function servicePort(port: Json): string {
  const nodePort = numberAt(port, ['nodePort']);
  return `${numberAt(port, ['port'])}${nodePort > 0 ? `:${nodePort}` : ''}/${textAt(port, 'protocol')}`;
}

function nodeStatus(object: JsonObject): string {
  const ready = conditionStatus(object, 'Ready');
  const state = ready === '' ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  return valueAt(object, 'spec', 'unschedulable') === true ? `${state},SchedulingDisabled` : state;
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(object: JsonObject): string {
  const roles = Object.entries(labelsOf(object)).flatMap(([label, value]) => {
    if (label.startsWith(rolePrefix)) return [label.slice(rolePrefix.length)];
    return label === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return or([...new Set(roles)].sort().join(','), '<none>');
}

function nodeAddress(type: string): Cell {
  return (object) => {
    const address = listAt(object, 'status', 'addresses').find((item) => textAt(item, 'type') === type);
    return or(textAt(address, 'address'), '<none>');
  };
}

function podStatus(object: JsonObject): string {
  if (textAt(object, 'metadata', 'deletionTimestamp') !== '') return 'Terminating';
  const reason = or(textAt(object, 'status', 'reason'), textAt(object, 'status', 'phase'));
  return listAt(object, 'status', 'containerStatuses').reduceRight<string>((shown, status) => {
    const waiting = textAt(status, 'state', 'waiting', 'reason');
    const ended = textAt(status, 'state', 'terminated', 'reason');
    return or(waiting, or(ended, shown));
  }, reason);
}

function podReadinessGates(object: JsonObject): string {
  const gates = listAt(object, 'spec', 'readinessGates').map((gate) => textAt(gate, 'conditionType'));
  if (gates.length === 0) return '<none>';
  return `${gates.filter((gate) => conditionStatus(object, gate) === 'True').length}/${gates.length}`;
}

function eventSource(object: JsonObject): string {
  const component = or(textAt(object, 'source', 'component'), textAt(object, 'reportingComponent'));
  const host = or(textAt(object, 'source', 'host'), textAt(object, 'reportingInstance'));
  return host === '' ? component : `${component}, ${host}`;
}

function firstSeen(object: JsonObject, now: Date): string {
  return age(or(textAt(object, 'firstTimestamp'), textAt(object, 'eventTime')), now);
}

function lastSeen(object: JsonObject, now: Date): string {
  const series = valueAt(object, 'series');
  if (isJsonObject(series)) return age(textAt(series, 'lastObservedTime'), now);
  const last = textAt(object, 'lastTimestamp');
  return last === '' ? firstSeen(object, now) : age(last, now);
}
