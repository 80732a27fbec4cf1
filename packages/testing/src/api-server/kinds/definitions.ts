/** The rules of CustomResourceDefinitions themselves: names, defaults, and their status. */
import { fieldInvalid, fieldNotSupported, fieldRequired } from '../../object/field-error.js';
import type { FieldError } from '../../object/field-error.js';
import { isJsonObject, valueAt } from '../../object/json.js';
import type { JsonObject } from '../../object/json.js';
import type { Schema } from '../../object/schema.js';
import { validateStructural } from '../../object/structural.js';
import { listAt, nameOf, objectAt, textAt } from '../meta.js';
import { strategy } from '../strategy.js';
import { fill, within } from './defaults.js';

function fillDefinition(object: JsonObject): JsonObject {
  return within(fill(object, { spec: {} }), 'spec', (spec) => {
    const kind = textAt(spec, 'names', 'kind');
    const derived = kind === '' ? {} : { singular: kind.toLowerCase(), listKind: `${kind}List` };
    return fill(
      within(spec, 'names', (names) => fill(names, derived)),
      { conversion: { strategy: 'None' } },
    );
  });
}

function validateDefinition(object: JsonObject): readonly FieldError[] {
  const spec = objectAt(object, 'spec');
  const expected = `${textAt(spec, 'names', 'plural')}.${textAt(spec, 'group')}`;
  const errors: FieldError[] = [];
  if (nameOf(object) !== expected) {
    errors.push(fieldInvalid('metadata.name', nameOf(object), 'must be spec.names.plural+"."+spec.group'));
  }
  if (textAt(spec, 'group') === '') errors.push(fieldRequired('spec.group'));
  return [
    ...errors,
    ...scopeErrors(spec),
    ...versionErrors(spec),
    ...nameErrors(spec),
    ...conversionErrors(spec),
    ...statusErrors(object),
    ...approvalErrors(object),
  ];
}

function scopeErrors(spec: JsonObject): readonly FieldError[] {
  const scope = textAt(spec, 'scope');
  if (scope === '') return [fieldRequired('spec.scope')];
  const known = ['Cluster', 'Namespaced'];
  return known.includes(scope) ? [] : [fieldNotSupported('spec.scope', scope, known)];
}

function nameErrors(spec: JsonObject): readonly FieldError[] {
  return ['plural', 'singular', 'kind', 'listKind']
    .filter((field) => textAt(spec, 'names', field) === '')
    .map((field) => fieldRequired(`spec.names.${field}`));
}

function statusErrors(object: JsonObject): readonly FieldError[] {
  if (listAt(object, 'status', 'storedVersions').length > 0) return [];
  return [fieldInvalid('status.storedVersions', null, 'must have at least one stored version')];
}

const approval = 'api-approved.kubernetes.io';

function approvalErrors(object: JsonObject): readonly FieldError[] {
  const group = textAt(object, 'spec', 'group');
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(group);
  if (!isProtected || textAt(object, 'metadata', 'annotations', approval) !== '') return [];
  const words = `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [fieldRequired(`metadata.annotations[${approval}]`, words)];
}

function versionErrors(spec: JsonObject): readonly FieldError[] {
  const versions = listAt(spec, 'versions').filter(isJsonObject);
  const storage = versions.filter((version) => version['storage'] === true);
  // What all versions share is said of the definition as a whole.
  const placeOf = (index: number): string => (versions.length === 1 ? 'spec' : `spec.versions[${index}]`);
  const errors = versions.flatMap((version, index) => [
    ...schemaErrors(version, index, versions.length === 1),
    ...columnErrors(version, placeOf(index)),
  ]);
  if (storage.length === 1) return errors;
  const value = valueAt(spec, 'versions') ?? null;
  return [
    fieldInvalid('spec.versions', value, 'must have exactly one version marked as storage version'),
    ...errors,
  ];
}

function schemaErrors(version: JsonObject, index: number, only: boolean): readonly FieldError[] {
  const at = `spec.versions[${index}].schema.openAPIV3Schema`;
  const schema = valueAt(version, 'schema', 'openAPIV3Schema');
  if (!isJsonObject(schema)) return [fieldRequired(at)];
  return only ? validateStructural(schema as Schema) : validateStructural(schema as Schema, at);
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

function columnErrors(version: JsonObject, place: string): readonly FieldError[] {
  return listAt(version, 'additionalPrinterColumns').flatMap((column, index) => {
    const at = `${place}.additionalPrinterColumns[${index}]`;
    const [type, path] = [textAt(column, 'type'), textAt(column, 'jsonPath')];
    return [
      ...(textAt(column, 'name') === '' ? [fieldRequired(`${at}.name`)] : []),
      ...(columnTypes.includes(type)
        ? []
        : [fieldInvalid(`${at}.type`, type, `must be one of ${columnTypes.join(',')}`)]),
      ...(path.startsWith('.')
        ? []
        : [fieldInvalid(`${at}.JSONPath`, path, 'must be a simple json path starting with .')]),
    ];
  });
}

function conversionErrors(spec: JsonObject): readonly FieldError[] {
  if (textAt(spec, 'conversion', 'strategy') !== 'Webhook') return [];
  return [
    fieldInvalid(
      'spec.conversion.strategy',
      'Webhook',
      'the embedded API server converts with strategy None only',
    ),
  ];
}

/** Until its names are looked at; what is stored is known from the start. */
function statusBefore(spec: JsonObject): JsonObject {
  const storage = listAt(spec, 'versions').find((version) => valueAt(version, 'storage') === true);
  const storedVersions = storage === undefined ? [] : [textAt(storage, 'name')];
  return { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions };
}

export const customResourceDefinitions = strategy({
  unconditionalUpdate: false,
  countsGeneration: true,
  hasStatus: true,
  defaults: fillDefinition,
  prepareCreate: (object) => ({ ...object, status: statusBefore(objectAt(object, 'spec')) }),
  validate: validateDefinition,
});
