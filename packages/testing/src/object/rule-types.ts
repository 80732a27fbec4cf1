/** A schema as CEL sees it: the types against which rules are checked, and the values on which they run. */
import { Environment } from '@marcbachmann/cel-js';
import { isJsonArray, isJsonObject } from './json.js';
import type { Json } from './json.js';
import { durationOf, registerLibrary, timestampOf } from './rule-library.js';
import type { Schema } from './schema.js';

const reserved = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace ' +
    'return var void while'
  ).split(' '),
);

/** Undefined for names that CEL cannot express. */
export function escapeField(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(name)) return undefined;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

/** Of a resource's metadata rules see no more than its name. */
const resourceFields: Readonly<Record<string, Schema>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: {
    type: 'object',
    properties: { name: { type: 'string' }, generateName: { type: 'string' } },
  },
};

/** The fields of a node; `isRoot` for a whole object. */
function fieldsOf(schema: Schema, isRoot: boolean): Readonly<Record<string, Schema>> {
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  return { ...schema.properties, ...(isResource ? resourceFields : {}) };
}

/** What checks a rule at a node: `self` has the node's type, `oldSelf` too, or may be absent if `optionalOldSelf`. */
export function checkerFor(schema: Schema, isRoot: boolean, optionalOldSelf: boolean): Environment {
  const environment = new Environment({ enableOptionalTypes: true });
  registerLibrary(environment, true);
  const type = new TypeNames(environment).of(schema, isRoot);
  environment.registerVariable('self', type);
  environment.registerVariable('oldSelf', optionalOldSelf ? `optional<${type}>` : type);
  return environment;
}

class TypeNames {
  readonly #environment: Environment;
  #count = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  of(schema: Schema, isRoot = false): string {
    if (schema['x-kubernetes-int-or-string'] === true) return 'dyn';
    switch (schema.type) {
      case 'integer':
        return 'int';
      case 'number':
        return 'double';
      case 'boolean':
        return 'bool';
      case 'string':
        return stringType(schema);
      case 'array':
        return schema.items === undefined ? 'list<dyn>' : `list<${this.of(schema.items)}>`;
      case 'object':
        return this.#object(schema, isRoot);
      default:
        return 'dyn';
    }
  }

  #object(schema: Schema, isRoot: boolean): string {
    const { additionalProperties } = schema;
    if (typeof additionalProperties === 'object') return `map<string, ${this.of(additionalProperties)}>`;
    const properties = Object.entries(fieldsOf(schema, isRoot));
    if (properties.length === 0) return 'map<string, dyn>';
    const fields: Record<string, string> = {};
    for (const [name, property] of properties) {
      const escaped = escapeField(name);
      if (escaped !== undefined) fields[escaped] = this.of(property);
    }
    const type = `Object${(this.#count += 1)}`;
    this.#environment.registerType(type, { fields });
    this.#environment.registerOperator(`${type} == ${type}`, () => true);
    return type;
  }
}

function stringType({ format }: Schema): string {
  if (format === 'duration') return 'google.protobuf.Duration';
  if (format === 'date' || format === 'date-time') return 'google.protobuf.Timestamp';
  return format === 'byte' ? 'bytes' : 'string';
}

/** A value as a rule at its node gets it: integers as bigint, times and durations as such, field names escaped. */
export function celValue(value: Json, schema: Schema, isRoot = false): unknown {
  if (isJsonArray(value)) return value.map((item) => celValue(item, schema.items ?? {}));
  if (isJsonObject(value)) return celObject(value, schema, isRoot);
  if (typeof value === 'number') {
    return Number.isInteger(value) && schema.type !== 'number' ? BigInt(value) : value;
  }
  return typeof value === 'string' ? celString(value, schema) : value;
}

function celObject(value: Readonly<Record<string, Json>>, schema: Schema, isRoot: boolean): object {
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, celValue(item, additionalProperties)]),
    );
  }
  const fields = fieldsOf(schema, isRoot);
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const escaped = escapeField(key);
    const known = Object.hasOwn(fields, key) ? fields[key] : undefined;
    // A field that is null counts as absent, unless null is a value of it.
    if (escaped === undefined || (item === null && known?.nullable !== true)) return [];
    return [[escaped, celValue(item, known ?? {})]];
  });
  return Object.fromEntries(entries);
}

function celString(value: string, schema: Schema): unknown {
  if (schema.type !== 'string') return value;
  switch (stringType(schema)) {
    case 'google.protobuf.Duration':
      return durationOf(value);
    case 'google.protobuf.Timestamp':
      return timestampOf(value);
    case 'bytes':
      return Buffer.from(value, 'base64');
    default:
      return value;
  }
}
