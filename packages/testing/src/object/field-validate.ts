/** Whether an applied configuration fits its schema: what server-side apply refuses before it looks at owners. */
import { fieldStep, formatStep } from './field-set.js';
import {
  allowsAnyField,
  allowsAnyScalar,
  fieldSchema,
  fieldType,
  itemStep,
  UnidentifiableItem,
} from './field-types.js';
import type { ListType } from './field-types.js';
import { compareBytes, goSyntax, goType, goValue } from './go-format.js';
import { isJsonArray, isJsonObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import { propertySchema, resolve } from './schema.js';
import type { Schema } from './schema.js';

/** What is wrong with `object`, in the server's words: nothing, one line, or a list under `errors:`. */
export function misfit(object: JsonObject, schema: Schema): string | undefined {
  const errors = check('', schema, object);
  if (errors.length === 0) return undefined;
  return errors.length === 1 ? errors[0] : ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
}

type Errors = readonly string[];

function check(path: string, schema: Schema, value: Json): Errors {
  if (value === null) return [];
  const node = resolve(schema);
  const problem = typeProblem(node, value);
  if (problem !== undefined) return [path === '' ? problem : `${path}: ${problem}`];
  if (isJsonObject(value)) return checkMap(path, node, value);
  return isJsonArray(value) ? checkList(path, node, value) : [];
}

function typeProblem(node: Schema, value: Json): string | undefined {
  const scalar = !isJsonArray(value) && !isJsonObject(value);
  switch (node.type ?? '') {
    case 'object':
      return isJsonObject(value) ? undefined : `expected map, got &{${goValue(value)}}`;
    case 'array':
      return isJsonArray(value) ? undefined : `expected list, got &{${goValue(value)}}`;
    case 'string':
      if (typeof value === 'string') return undefined;
      return `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got &{${goValue(value)}}`;
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    default:
      if (scalar || (allowsAnyScalar(node) && node.oneOf === undefined)) return undefined;
      return `expected any scalar, got &{${goValue(value)}}`;
  }
}

function checkMap(path: string, node: Schema, value: JsonObject): Errors {
  return Object.keys(value)
    .sort(compareBytes)
    .flatMap((key) => {
      const below = `${path}${formatStep(fieldStep(key))}`;
      const declared = propertySchema(node, key) !== undefined || allowsAnyField(node);
      if (!declared) return [`${below}: field not declared in schema`];
      return check(below, fieldSchema({ kind: 'map', schema: node }, key), value[key] ?? null);
    });
}

function checkList(path: string, node: Schema, value: readonly Json[]): Errors {
  const type = fieldType(node, value);
  if (type.kind === 'list') return checkKeyedList(path, type, value);
  return value.flatMap((item, index) => check(`${path}[${index}]`, node.items ?? {}, item));
}

function checkKeyedList(path: string, type: ListType, value: readonly Json[]): Errors {
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const step = stepOrProblem(type, item);
    if (step instanceof UnidentifiableItem) return [...errors, `${path}: element ${index}: ${step.message}`];
    if (seen.has(step)) errors.push(`${path}: duplicate entries for key ${formatStep(step)}`);
    seen.add(step);
    errors.push(...check(`${path}${formatStep(step)}`, type.items, item));
  }
  return errors;
}

function stepOrProblem(type: ListType, item: Json): string | UnidentifiableItem {
  try {
    return itemStep(type, item);
  } catch (error) {
    if (error instanceof UnidentifiableItem) return error;
    throw error;
  }
}
