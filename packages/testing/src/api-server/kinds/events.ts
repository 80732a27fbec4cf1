/** Events: stored once as core/v1, shown as core/v1 and as events.k8s.io/v1. */
import { deepEqual } from '../../object/equal.js';
import { fieldInvalid, fieldRequired } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import { isJsonObject } from '../../object/json.js';
import type { Json, JsonObject } from '../../object/json.js';
import { namespaceOf, textAt, withFields } from '../meta.js';
import { strategy } from '../strategy.js';
import { fill } from './defaults.js';
import { pick } from './simple-kinds.js';

const shared = {
  metadata: 'metadata',
  eventTime: 'eventTime',
  series: 'series',
  action: 'action',
  reason: 'reason',
  related: 'related',
  type: 'type',
};

const fromCore: Readonly<Record<string, string>> = {
  ...shared,
  reportingComponent: 'reportingController',
  reportingInstance: 'reportingInstance',
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
};

const toCore: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(fromCore).map(([core, event]) => [event, core]),
);

const coreBlanks: JsonObject = {
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
};

/** Keys that the events.k8s.io form leaves out when they are empty. */
const omittedWhenEmpty = ['reportingController', 'reportingInstance'];

export function toEventsGroup(event: JsonObject): JsonObject {
  const view = { kind: 'Event', apiVersion: 'events.k8s.io/v1', ...pick(event, fromCore) };
  const empty = omittedWhenEmpty.filter((key) => (view as JsonObject)[key] === '');
  return withFields(view, Object.fromEntries(empty.map((key) => [key, undefined])));
}

export function fromEventsGroup(event: JsonObject): JsonObject {
  return fill({ kind: 'Event', apiVersion: 'v1', ...pick(event, toCore) }, coreBlanks);
}

const prepare = (event: JsonObject): JsonObject => fill(fill(event, coreBlanks), { involvedObject: {} });

function namespaceErrors(event: JsonObject): readonly FieldError[] {
  const involved = textAt(event, 'involvedObject', 'namespace');
  const own = namespaceOf(event);
  // An event about a cluster-scoped object lives in the default namespace.
  if (involved === own || (involved === '' && own === 'default')) return [];
  return [fieldInvalid('involvedObject.namespace', involved, 'does not match event.namespace')];
}

export const coreEvents = strategy({
  createsOnUpdate: true,
  defaults: prepare,
  validate: (event) => namespaceErrors(event),
});

/** The strict rules of the newer API; they look at the stored form. */
function validateNew(event: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [...namespaceErrors(event)];
  const required: readonly (readonly [string, string])[] = [
    ['reportingComponent', 'reportingController'],
    ['reportingInstance', 'reportingInstance'],
    ['action', 'action'],
    ['reason', 'reason'],
  ];
  if (event['eventTime'] === null || event['eventTime'] === undefined)
    errors.push(fieldRequired('eventTime'));
  const type = textAt(event, 'type');
  if (type !== 'Normal' && type !== 'Warning') {
    errors.push(fieldInvalid('type', type, `has invalid value: ${type}`));
  }
  if (errors.some((error) => error.field === 'eventTime')) return errors;
  for (const [field, shown] of required) {
    if (textAt(event, field) === '') errors.push(fieldRequired(shown));
  }
  return errors;
}

const seriesAside = ['metadata', 'series', 'kind', 'apiVersion'];

/** Only the series of an event goes on. */
function validateNewUpdate(event: JsonObject, before: JsonObject): readonly FieldError[] {
  const changed = Object.keys({ ...before, ...event }).filter(
    (key) => !seriesAside.includes(key) && !deepEqual(event[key], before[key]),
  );
  return changed.map((key) => fieldInvalid(key, printable(event[key]), 'field is immutable'));
}

function printable(value: Json | undefined): Json {
  return value === undefined || isJsonObject(value) ? (value ?? null) : value;
}

export const newEvents = strategy({
  createsOnUpdate: true,
  validate: (event, before) => (before === undefined ? validateNew(event) : validateNewUpdate(event, before)),
});
