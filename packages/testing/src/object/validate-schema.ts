/** Whether the schema of a definition is structural: each field has one type, so objects can be pruned and defaulted. */
import { applyDefaults } from './defaults.js';
import { deepEqual } from './equal.js';
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from './field-error.js';
import type { FieldError } from './field-error.js';
import { isJsonObject } from './json.js';
import type { Json } from './json.js';
import { pruneUnknown } from './prune.js';
import type { Schema } from './schema.js';
import { goPattern } from './go-pattern.js';
import { ruleErrors } from './rule-definitions.js';
import { validateObject } from './validate-object.js';

const root = 'spec.validation.openAPIV3Schema';
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/**
 * What the server refuses in an `openAPIV3Schema`; empty if the schema can be used.
 *
 * `path` is where the schema stands; the server names the definition's first schema so.
 */
export function validateStructural(schema: Schema, path: string = root): readonly FieldError[] {
  const errors = [...rootErrors(schema, path), ...nodeErrors(schema, path, 'root')];
  return errors.length > 0 ? errors : allRuleErrors(schema, path, undefined, true);
}

function allRuleErrors(
  schema: Schema,
  path: string,
  uncorrelatable: string | undefined,
  isRoot = false,
): Errors {
  const { properties = {}, items, additionalProperties } = schema;
  const hasKeys = schema['x-kubernetes-list-type'] === 'map';
  const below = schema.type === 'array' && !hasKeys ? (uncorrelatable ?? path) : uncorrelatable;
  return [
    ...ruleErrors(schema, path, isRoot, uncorrelatable),
    ...Object.entries(properties).flatMap(([key, child]) =>
      allRuleErrors(child, `${path}.properties[${key}]`, below),
    ),
    ...(items === undefined ? [] : allRuleErrors(items, `${path}.items`, below)),
    ...(typeof additionalProperties === 'object'
      ? allRuleErrors(additionalProperties, `${path}.additionalProperties`, below)
      : []),
  ];
}

type Level = 'root' | 'field' | 'item';
type Errors = readonly FieldError[];

function rootErrors(schema: Schema, path: string): Errors {
  const errors: FieldError[] = [];
  if (schema.type !== undefined && schema.type !== 'object') {
    errors.push(fieldInvalid(`${path}.type`, schema.type, 'must be object at the root'));
  }
  if (schema.nullable === true)
    errors.push(fieldForbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  const metadata = schema.properties?.['metadata'];
  const allowed = new Set(['name', 'generateName']);
  if (metadata !== undefined && Object.keys(metadata.properties ?? {}).some((key) => !allowed.has(key))) {
    errors.push(
      fieldForbidden(
        `${path}.properties[metadata]`,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  }
  return errors;
}

function nodeErrors(schema: Schema, path: string, level: Level): Errors {
  return [
    ...typeErrors(schema, path, level),
    ...keywordErrors(schema, path),
    ...junctorErrors(schema, path),
    ...listErrors(schema, path),
    ...defaultErrors(schema, path),
    ...childErrors(schema, path),
  ];
}

const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  field: 'must not be empty for specified object fields',
  item: 'must not be empty for specified array items',
};

function typeErrors(schema: Schema, path: string, level: Level): Errors {
  const { type } = schema;
  const open =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (type === undefined || type === '') {
    return open && level !== 'root' ? [] : [fieldRequired(`${path}.type`, missingType[level])];
  }
  const nullHint = 'type cannot be set to null, use nullable as an alternative';
  return [
    ...(types.includes(type) ? [] : [fieldNotSupported(`${path}.type`, type, types)]),
    ...(type === 'null' ? [fieldForbidden(`${path}.type`, nullHint)] : []),
    ...(type === 'array' && schema.items === undefined
      ? [fieldRequired(`${path}.items`, 'must be specified')]
      : []),
  ];
}

const unsupported = ['definitions', 'dependencies', 'patternProperties', 'id', '$ref', 'additionalItems'];

function keywordErrors(schema: Schema, path: string): Errors {
  const keys = new Map<string, unknown>(Object.entries(schema));
  const present = (key: string): boolean => {
    const value = keys.get(key);
    return value !== undefined && !(typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  };
  const errors = unsupported
    .filter(present)
    .map((key) => fieldForbidden(`${path}.${key}`, `${key} is not supported`));
  if (schema.uniqueItems === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(fieldForbidden(`${path}.uniqueItems`, why));
  }
  if (schema.properties !== undefined && typeof schema.additionalProperties === 'object') {
    const why = 'additionalProperties and properties are mutual exclusive';
    errors.push(fieldForbidden(`${path}.additionalProperties`, why));
  }
  if (Array.isArray(schema.items)) {
    errors.push(fieldForbidden(`${path}.items`, 'items must be a schema object and not an array'));
  }
  return [...errors, ...patternErrors(schema, path), ...extensionErrors(schema, path)];
}

function patternErrors({ pattern }: Schema, path: string): Errors {
  if (pattern === undefined) return [];
  try {
    goPattern(pattern);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [
      fieldInvalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`),
    ];
  }
}

function extensionErrors(schema: Schema, path: string): Errors {
  const preserve = 'x-kubernetes-preserve-unknown-fields';
  const errors: FieldError[] = [];
  if (schema[preserve] === false) {
    errors.push(fieldInvalid(`${path}.${preserve}`, false, 'must be true or undefined'));
  }
  const mapType: string | undefined = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(fieldNotSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  }
  if (
    schema['x-kubernetes-embedded-resource'] === true &&
    schema[preserve] !== true &&
    schema.properties === undefined
  ) {
    const why = `must not be empty if x-kubernetes-embedded-resource is true without ${preserve}`;
    errors.push(fieldRequired(`${path}.properties`, why));
  }
  return errors;
}

const emptyInJunctor = ['description', 'type', 'title', 'format'] as const;
const undefinedInJunctor = ['default', 'additionalProperties', 'nullable'] as const;

/** Inside `allOf`, `anyOf`, `oneOf` and `not` a schema may check values, but not declare anything. */
function junctorErrors(schema: Schema, path: string): Errors {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const lists = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((junctor) =>
    isTypePair(schema, junctor) && intOrString
      ? []
      : (schema[junctor] ?? []).flatMap((child, index) => valueErrors(child, `${path}.${junctor}[${index}]`)),
  );
  return [...lists, ...(schema.not === undefined ? [] : valueErrors(schema.not, `${path}.not`))];
}

/** The one exception: an int-or-string may say so in these words too. */
function isTypePair(schema: Schema, junctor: 'allOf' | 'anyOf' | 'oneOf'): boolean {
  return junctor === 'anyOf' && deepEqual(asJson(schema.anyOf), [{ type: 'integer' }, { type: 'string' }]);
}

function asJson(value: unknown): Json {
  return value === undefined ? null : (value as Json);
}

function valueErrors(schema: Schema, path: string): Errors {
  const errors: FieldError[] = [];
  for (const key of undefinedInJunctor) {
    if (schema[key] !== undefined)
      errors.push(fieldForbidden(`${path}.${key}`, 'must be undefined to be structural'));
  }
  for (const key of emptyInJunctor) {
    if (key !== 'format' && (schema[key] ?? '') !== '') {
      errors.push(fieldForbidden(`${path}.${key}`, 'must be empty to be structural'));
    }
  }
  const fields = Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    valueErrors(child, `${path}.properties[${key}]`),
  );
  const items = schema.items === undefined ? [] : valueErrors(schema.items, `${path}.items`);
  return [...errors, ...fields, ...items, ...junctorErrors(schema, path)];
}

function listErrors(schema: Schema, path: string): Errors {
  const listType: string | undefined = schema['x-kubernetes-list-type'];
  if (listType === undefined) return [];
  const place = `${path}.x-kubernetes-list-type`;
  if (!['atomic', 'set', 'map'].includes(listType))
    return [fieldNotSupported(place, listType, ['atomic', 'set', 'map'])];
  if (schema.type !== 'array') {
    return [
      fieldInvalid(`${path}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified'),
    ];
  }
  if (listType === 'set') return setErrors(schema, path);
  return listType === 'map' ? mapErrors(schema, path) : [];
}

function setErrors({ items = {} }: Schema, path: string): Errors {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    return [fieldInvalid(`${path}.items.x-kubernetes-map-type`, items['x-kubernetes-map-type'] ?? null, why)];
  }
  if (items.type === 'array' && items['x-kubernetes-list-type'] !== 'atomic') {
    return [
      fieldInvalid(`${path}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'] ?? null, why),
    ];
  }
  return items.nullable === true
    ? [fieldForbidden(`${path}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is set')]
    : [];
}

function mapErrors(schema: Schema, path: string): Errors {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const place = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) return [fieldRequired(place, 'must not be empty if x-kubernetes-list-type is map')];
  const { properties = {}, required = [] } = schema.items ?? {};
  if (keys.some((key) => !Object.hasOwn(properties, key))) {
    return [fieldInvalid(place, keys, 'entries must all be names of item properties')];
  }
  const why =
    'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
  return keys
    .filter((key) => properties[key]?.default === undefined && !required.includes(key))
    .map((key) => fieldRequired(`${path}.items.properties[${key}].default`, why));
}

/** A default must be what the schema would make of it: nothing pruned, nothing invalid. */
function defaultErrors(schema: Schema, path: string): Errors {
  const { default: value } = schema;
  if (value === undefined || value === null) return [];
  const place = `${path}.default`;
  const { default: _, ...rest } = schema;
  const whole: Schema = { type: 'object', properties: { value: rest } };
  const { pruned } = pruneUnknown({ value }, whole);
  if (pruned.length > 0) return [fieldInvalid(place, value, 'must not have unknown fields')];
  const defaulted = applyDefaults({ value }, whole);
  return validateObject(defaulted, whole).map((error) => relocate(error, place));
}

function relocate({ reason, field, message }: FieldError, place: string): FieldError {
  const below = field.startsWith('value.') || field.startsWith('value[') ? field.slice('value'.length) : '';
  return {
    reason,
    field: `${place}${below}`,
    message: message.replace(': value', `: ${below.replace(/^\./, '')}`),
  };
}

function childErrors(schema: Schema, path: string): Errors {
  const { properties, items, additionalProperties } = schema;
  const fields = Object.entries(properties ?? {}).flatMap(([key, child]) =>
    isImplicit(path, key) ? [] : nodeErrors(child, `${path}.properties[${key}]`, 'field'),
  );
  const itemSchema =
    items === undefined || Array.isArray(items) ? [] : nodeErrors(items, `${path}.items`, 'item');
  const values = isJsonObject(asJson(additionalProperties))
    ? nodeErrors(additionalProperties as Schema, `${path}.additionalProperties`, 'field')
    : [];
  return [...fields, ...itemSchema, ...values];
}

function isImplicit(path: string, key: string): boolean {
  return path.endsWith('openAPIV3Schema') && ['apiVersion', 'kind', 'metadata'].includes(key);
}
