/** Field selectors: `status.phase=Running,metadata.name!=a`, as far as each kind has them. */
import { jsonPath } from './json-path.js';
import { isJsonArray, textOf, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import { badRequest } from './status.js';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All requirements must hold; none at all match everything. */
export type FieldSelector = readonly FieldRequirement[];

/** @throws StatusError 400 if the text is no selector */
export function parseFieldSelector(text: string): FieldSelector {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => {
      const parts = /^([^=!]*)(==|!=|=)([\s\S]*)$/.exec(term) ?? /^([\s\S]*?)(==|!=|=)([\s\S]*)$/.exec(term);
      if (parts === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = '', operator, value = ''] = parts;
      return { field, operator: operator === '!=' ? '!=' : '=', value: unescape(value) };
    });
}

/** At commas that no backslash escapes. */
function splitTerms(text: string): readonly string[] {
  return text.match(/(?:\\[\s\S]?|[^,\\])+/g) ?? [];
}

function unescape(value: string): string {
  let result = '';
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === '\\') {
      at += 1;
      const next = value.charAt(at);
      if (!['\\', ',', '='].includes(next)) {
        throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`);
      }
      result += next;
    } else if (character === ',' || character === '=') {
      throw badRequest(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`);
    } else {
      result += character;
    }
  }
  return result;
}

/** How one kind reads a selectable field of an object; missing values count as the empty string. */
export type ReadField = (object: JsonObject) => string;

/** The fields of a kind that a selector may name. */
export interface SelectableFields {
  readonly read: (field: string) => ReadField | undefined;
  /** The 400 for any other field. */
  readonly unsupported: (field: string) => string;
}

/** @throws StatusError 400 if the selector names a field that the kind does not have for selecting */
export function compileFieldSelector(
  selector: FieldSelector,
  fields: SelectableFields,
): (object: JsonObject) => boolean {
  const checks = selector.map(({ field, operator, value }) => {
    const read = fields.read(field);
    if (read === undefined) throw badRequest(fields.unsupported(field));
    return (object: JsonObject) => (read(object) === value) === (operator === '=');
  });
  return (object) => checks.every((check) => check(object));
}

/** The fields of a built-in kind. */
export function builtInFields({
  group,
  kind,
}: {
  readonly group: string;
  readonly kind: string;
}): SelectableFields {
  const own = extraFields[`${group}/${kind}`];
  const words = unsupportedWords[`${group}/${kind}`] ?? (own === undefined ? onlyMetadata : notSupported);
  const namespaced = !clusterScoped.has(`${group}/${kind}`);
  const known = [...metadataFields.slice(0, namespaced || own === undefined ? 2 : 1), ...(own ?? [])];
  return {
    read: (field) => (known.includes(field) ? (readers[field] ?? readPath(field)) : undefined),
    unsupported: words,
  };
}

/** The fields of a custom resource: name and namespace, and the `selectableFields` of its version. */
export function customResourceFields(selectableFields: readonly string[]): SelectableFields {
  const paths = new Map(selectableFields.map((path) => [path.replace(/^\./, ''), jsonPath(path)]));
  return {
    read: (field) => {
      if (metadataFields.includes(field)) return readPath(field);
      const find = paths.get(field);
      return find === undefined ? undefined : (object) => textOf(find(object));
    },
    unsupported: notSupported,
  };
}

const metadataFields = ['metadata.name', 'metadata.namespace'];
const notSupported = (field: string): string => `field label not supported: ${field}`;
const onlyMetadata = (field: string): string =>
  `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;

const unsupportedWords: Readonly<Record<string, (field: string) => string>> = {
  'batch/Job': (field) => `field label "${field}" not supported for Job`,
};

const clusterScoped = new Set(['/Namespace', '/Node']);

const involved = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

const extraFields: Readonly<Record<string, readonly string[]>> = {
  '/Event': [
    ...involved.map((key) => `involvedObject.${key}`),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/Namespace': ['status.phase'],
  '/Node': ['spec.unschedulable'],
  '/Pod': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  '/Secret': ['type'],
  '/Service': ['spec.clusterIP', 'spec.type'],
  'batch/Job': ['status.successful'],
  'events.k8s.io/Event': [
    ...involved.map((key) => `regarding.${key}`),
    'reason',
    'reportingController',
    'type',
  ],
};

const readers: Readonly<Record<string, ReadField>> = {
  source: (object) =>
    textOf(valueAt(object, 'source', 'component')) || textOf(valueAt(object, 'reportingComponent')),
  'spec.hostNetwork': (object) => textOf(valueAt(object, 'spec', 'hostNetwork') ?? false),
  'spec.unschedulable': (object) => textOf(valueAt(object, 'spec', 'unschedulable') ?? false),
  'status.podIP': (object) => textOf(valueAt(object, 'status', 'podIP')),
  'status.podIPs': (object) => {
    const addresses = valueAt(object, 'status', 'podIPs');
    return isJsonArray(addresses) ? addresses.map((item) => textOf(valueAt(item, 'ip'))).join(',') : '';
  },
  'status.successful': (object) => textOf(valueAt(object, 'status', 'succeeded') ?? 0),
};

function readPath(field: string): ReadField {
  const path = field.split('.');
  return (object) => textOf(valueAt(object, ...path));
}
