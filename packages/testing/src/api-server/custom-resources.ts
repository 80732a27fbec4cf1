/** What a CustomResourceDefinition brings to the server: one resource for each version that it serves. */
import { fieldInvalid } from '../object/field-error.js';
import type { FieldError } from '../object/field-error.js';
import { goTypeName } from '../object/merge-patch.js';
import { isJsonObject, valueAt } from '../object/json.js';
import type { Json, JsonObject } from '../object/json.js';
import { customResourceSchema } from '../object/schema.js';
import { customResourceFields } from '../object/selectors.js';
import type { Schema } from '../object/schema.js';
import {
  applyDefaults,
  jsonPath,
  pruneUnknown,
  validateObject,
  validateRules,
} from '../object/structural.js';
import { listAt, objectAt, textAt, withFields } from './meta.js';
import { byStability } from './registry.js';
import { Resource, apiVersionOf } from './resource.js';
import type { DecodeOptions, ResourceDefinition, ScalePaths, Subresource } from './resource.js';
import { strategy } from './strategy.js';
import type { Strategy } from './strategy.js';
import { age } from './table.js';
import type { Column } from './table.js';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const subresourceVerbs = ['get', 'patch', 'update'];

/** The resources of all served versions; empty before the names are accepted. */
export function resourcesOf(crd: JsonObject): readonly Resource[] {
  return listAt(crd, 'spec', 'versions')
    .filter(isJsonObject)
    .filter((version) => version['served'] === true)
    .map((version) => new Resource(definitionOf(crd, version)));
}

function definitionOf(crd: JsonObject, version: JsonObject): ResourceDefinition {
  const spec = objectAt(crd, 'spec');
  const names = objectAt(spec, 'names');
  const group = textAt(spec, 'group');
  const schema = schemaOf(version);
  const gv = { group, version: textAt(version, 'name') };
  const scale = scaleOf(version);
  return {
    ...gv,
    plural: textAt(names, 'plural'),
    singular: textAt(names, 'singular'),
    kind: textAt(names, 'kind'),
    listKind: textAt(names, 'listKind'),
    namespaced: textAt(spec, 'scope') === 'Namespaced',
    shortNames: listAt(names, 'shortNames').map(String),
    categories: listAt(names, 'categories').map(String),
    verbs,
    subresources: subresourcesOf(version, textAt(names, 'kind')),
    schema: customResourceSchema(schema),
    strategy: strategyOf(schema, hasStatus(version), scale),
    columns: columnsOf(version),
    custom: true,
    storedAs: `${group}/${textAt(names, 'plural')}`,
    ...(version['deprecated'] === true ? { deprecation: deprecationOf(spec, version) } : {}),
    ...(scale === undefined ? {} : { scale }),
    fields: customResourceFields(
      listAt(version, 'selectableFields').map((field) => textAt(field, 'jsonPath')),
    ),
    decode: (object, options) => decode(object, schema, options),
    fromStorage: (object) => applyDefaults(pruneUnknown(withVersion(object, gv), schema).object, schema),
    toStorage: (object) => withVersion(object, { group, version: storageVersion(spec) }),
  };
}

function deprecationOf(spec: JsonObject, version: JsonObject): string {
  const words = textAt(version, 'deprecationWarning');
  if (words !== '') return words;
  const kind = textAt(spec, 'names', 'kind');
  const named = (name: string): string => `${textAt(spec, 'group')}/${name} ${kind}`;
  const name = textAt(version, 'name');
  const [better] = listAt(spec, 'versions')
    .filter((one) => valueAt(one, 'served') === true && valueAt(one, 'deprecated') !== true)
    .map((one) => textAt(one, 'name'))
    .filter((one) => byStability(one, name) < 0)
    .sort(byStability);
  return `${named(name)} is deprecated${better === undefined ? '' : `; use ${named(better)}`}`;
}

function schemaOf(version: JsonObject): Schema {
  return objectAt(version, 'schema', 'openAPIV3Schema') as Schema;
}

function decode(object: JsonObject, schema: Schema, { applied = false }: DecodeOptions = {}) {
  const { object: known, pruned, problem } = pruneUnknown(object, schema);
  return {
    object: applyDefaults(known, schema, { keepNulls: applied }),
    unknown: pruned.map((field) => `unknown field ${JSON.stringify(field)}`),
    problem,
  };
}

function withVersion(
  object: JsonObject,
  gv: { readonly group: string; readonly version: string },
): JsonObject {
  return withFields(object, { apiVersion: apiVersionOf(gv) });
}

export function storageVersion(spec: JsonObject): string {
  return textAt(
    listAt(spec, 'versions').find((version) => valueAt(version, 'storage') === true),
    'name',
  );
}

const hasStatus = (version: JsonObject): boolean => isJsonObject(valueAt(version, 'subresources', 'status'));

function subresourcesOf(version: JsonObject, kind: string): readonly Subresource[] {
  const subresources: Subresource[] = [];
  if (hasStatus(version)) subresources.push({ name: 'status', kind, verbs: subresourceVerbs });
  if (scaleOf(version) !== undefined) {
    subresources.push({
      name: 'scale',
      kind: 'Scale',
      group: 'autoscaling',
      version: 'v1',
      verbs: subresourceVerbs,
    });
  }
  return subresources;
}

function scaleOf(version: JsonObject): ScalePaths | undefined {
  const scale = valueAt(version, 'subresources', 'scale');
  if (!isJsonObject(scale)) return undefined;
  const labelSelectorPath = textAt(scale, 'labelSelectorPath');
  return {
    specReplicasPath: textAt(scale, 'specReplicasPath'),
    statusReplicasPath: textAt(scale, 'statusReplicasPath'),
    ...(labelSelectorPath === '' ? {} : { labelSelectorPath }),
  };
}

/** A status write changes `status` and nothing else, not even labels. */
function strategyOf(schema: Schema, withStatus: boolean, scale: ScalePaths | undefined): Strategy {
  return strategy({
    unconditionalUpdate: false,
    countsGeneration: true,
    hasStatus: withStatus,
    keptByStatus: [['metadata']],
    prepareStatus: (next, before) =>
      withFields(before, {
        status: next['status'],
        metadata: withFields(objectAt(before, 'metadata'), {
          managedFields: valueAt(next, 'metadata', 'managedFields'),
        }),
      }),
    validate: (object, before) => [
      ...validateObject(object, schema, { before, validateRules }),
      ...scaleErrors(object, scale),
    ],
  });
}

/** What the scale subresource shows must be numbers. */
function scaleErrors(object: JsonObject, scale: ScalePaths | undefined): readonly FieldError[] {
  if (scale === undefined) return [];
  return [scale.specReplicasPath, scale.statusReplicasPath].flatMap((path) => {
    const keys = path.split('.').slice(1);
    const blocking = keys
      .map((_, depth) => valueAt(object, ...keys.slice(0, depth)))
      .find((above) => above !== undefined && above !== null && !isJsonObject(above));
    if (blocking !== undefined) return [fieldInvalid(path, 0, notAMap(path, blocking))];
    const value = valueAt(object, ...keys);
    if (value === undefined || value === null) return [];
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      const type = typeof value === 'number' ? 'float64' : goTypeName(value);
      const words = `${path} accessor error: ${printed(value)} is of the type ${type}, expected int64`;
      return [fieldInvalid(path, 0, words)];
    }
    return value < 0 ? [fieldInvalid(path, value, 'should be a non-negative integer')] : [];
  });
}

const notAMap = (path: string, value: Json): string =>
  `${path} accessor error: ${printed(value)} is of the type ${goTypeName(value)}, expected map[string]interface{}`;

const printed = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

function columnsOf(version: JsonObject): readonly Column[] {
  const declared = listAt(version, 'additionalPrinterColumns').filter(isJsonObject);
  const name: Column = {
    name: 'Name',
    type: 'string',
    format: 'name',
    cell: (object) => textAt(object, 'metadata', 'name'),
  };
  if (declared.length === 0) return [name, { name: 'Age', type: 'date', cell: createdAt }];
  return [name, ...declared.map(columnOf)];
}

const createdAt = (object: JsonObject): Json => textAt(object, 'metadata', 'creationTimestamp');

function columnOf(declared: JsonObject): Column {
  const read = jsonPath(textAt(declared, 'jsonPath'));
  const type = textAt(declared, 'type');
  const priority = declared['priority'];
  return {
    name: textAt(declared, 'name'),
    type,
    format: textAt(declared, 'format'),
    priority: typeof priority === 'number' ? priority : 0,
    description:
      textAt(declared, 'description') ||
      `Custom resource definition column (in JSONPath format): ${textAt(declared, 'jsonPath')}`,
    cell: (object, now) => cellOf(read(object), type, now),
  };
}

/** A value that does not fit the column's type is left out. */
function cellOf(value: Json | undefined, type: string, now: Date): Json {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' ? (type === 'integer' ? Math.trunc(value) : value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? age(value, now) : '<invalid>';
    default:
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}
