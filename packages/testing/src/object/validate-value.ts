/** The checks of one value against one node of a schema; what is inside it is not looked at. */
import { deepEqual } from './equal.js';
import {
  fieldInvalid,
  fieldNotSupported,
  fieldTooLong,
  fieldTooMany,
  fieldTypeInvalid,
} from './field-error.js';
import type { FieldError } from './field-error.js';
import { hasFormat, isKnownFormat } from './formats.js';
import { goJson, goNumber } from './go-format.js';
import { goPattern } from './go-pattern.js';
import { hasKey, isJsonArray, textOf } from './json.js';
import type { Json, JsonObject } from './json.js';
import type { Schema } from './schema.js';

/** A value, where it stands, what it should be, and what was stored there. */
export interface Node {
  readonly path: string;
  readonly value: Json;
  readonly before: Json | undefined;
  readonly schema: Schema;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (isJsonArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typesOf(schema: Schema): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string'];
  return schema.type === undefined ? [] : [schema.type];
}

export function typeErrors({ value, schema, path }: Node): readonly FieldError[] {
  const expected = typesOf(schema);
  const actual = typeOf(value);
  if (isFormatted(schema) && value !== null && actual !== 'string' && !expected.includes(actual)) {
    return [wrongType(path, schema.format ?? '', formatOf(actual))];
  }
  if (expected.length === 0 || expected.includes(actual) || (value === null && schema.nullable === true))
    return [];
  if (actual === 'integer' && expected.includes('number')) return [];
  return [wrongType(path, expected.join(','), actual)];
}

/** A value of another type is measured by the format, and named by its own. */
function isFormatted({ type, format }: Schema): boolean {
  return type === 'string' && format !== undefined && isKnownFormat(format);
}

function formatOf(type: string): string {
  if (type === 'integer') return 'int64';
  return type === 'number' ? 'double' : '';
}

function wrongType(path: string, expected: string, actual: string): FieldError {
  return fieldTypeInvalid(nameOf(path), actual, `${path} in body must be of type ${expected}: "${actual}"`);
}

/** The field of an error at the root is printed as Go prints nothing. */
export function nameOf(path: string): string {
  return path === '' ? '<nil>' : path;
}

export function general(message: string): FieldError {
  return fieldInvalid('<nil>', '', message);
}

export function stringErrors({ value, schema, path }: Node): readonly FieldError[] {
  const text = textOf(value);
  const length = Array.from(text).length;
  const { minLength, maxLength, pattern, format } = schema;
  const bad = (detail: string): FieldError => fieldInvalid(nameOf(path), text, `${path} in body ${detail}`);
  if (maxLength !== undefined && length > maxLength) return [fieldTooLong(nameOf(path), maxLength)];
  if (minLength !== undefined && length < minLength)
    return [bad(`should be at least ${minLength} chars long`)];
  if (pattern !== undefined && !goPattern(pattern).test(text)) return [bad(`should match '${pattern}'`)];
  if (format === undefined || !isKnownFormat(format) || hasFormat(text, format)) return [];
  return [wrongTypeOf(path, format, text)];
}

function wrongTypeOf(path: string, format: string, text: string): FieldError {
  return fieldTypeInvalid(
    nameOf(path),
    text,
    `${path} in body must be of type ${format}: ${JSON.stringify(text)}`,
  );
}

export function numberErrors({ value, schema, path }: Node): readonly FieldError[] {
  const number = Number(value);
  const { format } = schema;
  const multipleOf = boundFor(number, schema.multipleOf);
  const minimum = boundFor(number, schema.minimum);
  const maximum = boundFor(number, schema.maximum);
  const bad = (detail: string): FieldError =>
    fieldInvalid(nameOf(path), number, `${path} in body should be ${detail}`);
  const errors: FieldError[] = [];
  if (schema.type === 'integer' && !inRange(number, format)) {
    const which = format === 'int32' || format === 'int64' ? `with format ${format}` : '(default format)';
    errors.push(general(`Checked value must be of type integer ${which} in ${path}`));
  }
  if (multipleOf === 0) errors.push(zeroFactor(path));
  else if (multipleOf !== undefined && !isMultiple(number, multipleOf)) {
    errors.push(bad(`a multiple of ${goNumber(multipleOf)}`));
  }
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? number <= minimum : number < minimum)) {
    errors.push(
      bad(`greater than ${schema.exclusiveMinimum === true ? '' : 'or equal to '}${goNumber(minimum)}`),
    );
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? number >= maximum : number > maximum)) {
    errors.push(
      bad(`less than ${schema.exclusiveMaximum === true ? '' : 'or equal to '}${goNumber(maximum)}`),
    );
  }
  return errors;
}

function zeroFactor(path: string): FieldError {
  return fieldInvalid(nameOf(path), 0, `factor MultipleOf declared for ${path} must be positive: 0`);
}

/** An integer is compared with the integer part of a bound. */
function boundFor(number: number, bound: number | undefined): number | undefined {
  return bound === undefined || !Number.isInteger(number) ? bound : Math.trunc(bound);
}

function inRange(number: number, format: string | undefined): boolean {
  return Number.isInteger(number) && (format !== 'int32' || (number >= -(2 ** 31) && number < 2 ** 31));
}

function isMultiple(number: number, factor: number): boolean {
  const quotient = number / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9;
}

export function enumErrors({ value, schema, path }: Node): readonly FieldError[] {
  if (schema.enum === undefined || schema.enum.some((allowed) => isAllowed(allowed, value))) return [];
  const allowed = schema.enum.map((item) => (typeof item === 'string' ? item : goJson(item)));
  return [fieldNotSupported(nameOf(path), value ?? '', allowed)];
}

/** A number is cut to an integer before it is compared with one. */
function isAllowed(allowed: Json, value: Json): boolean {
  if (typeof allowed === 'number' && typeof value === 'number' && Number.isInteger(allowed)) {
    return Math.trunc(value) === allowed;
  }
  return deepEqual(allowed, value);
}

export function lengthErrors({ schema, path }: Node, value: readonly Json[]): readonly FieldError[] {
  const { minItems, maxItems, uniqueItems } = schema;
  const errors: FieldError[] = [];
  if (minItems !== undefined && value.length < minItems) {
    errors.push(
      fieldInvalid(nameOf(path), value.length, `${path} in body should have at least ${minItems} items`),
    );
  }
  if (maxItems !== undefined && value.length > maxItems) {
    errors.push(fieldTooMany(nameOf(path), value.length, maxItems));
  }
  if (uniqueItems === true && new Set(value.map(goJson)).size < value.length) {
    errors.push(fieldInvalid(nameOf(path), '', `${path} in body shouldn't contain duplicates`));
  }
  return errors;
}

export function sizeErrors({ schema, path }: Node, value: JsonObject): readonly FieldError[] {
  const { minProperties, maxProperties } = schema;
  const size = Object.keys(value).length;
  const errors: FieldError[] = [];
  if (minProperties !== undefined && size < minProperties) {
    errors.push(
      fieldInvalid(nameOf(path), size, `${path} in body should have at least ${minProperties} properties`),
    );
  }
  if (maxProperties !== undefined && size > maxProperties) {
    errors.push(fieldTooMany(nameOf(path), size, maxProperties));
  }
  if (schema.additionalProperties === false) {
    for (const key of Object.keys(value)) {
      if (hasKey((schema.properties ?? {}) as never, key)) continue;
      errors.push(
        fieldInvalid(
          nameOf(childPath(path, key)),
          '',
          `${childPath(path, key)} in body is a forbidden property`,
        ),
      );
    }
  }
  return errors;
}

export function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
