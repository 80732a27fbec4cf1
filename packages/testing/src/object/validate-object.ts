/** Checking a custom resource against its schema, with the server's messages. */
import { deepEqual } from './equal.js';
import { fieldInvalid, fieldRequired } from './field-error.js';
import type { FieldError } from './field-error.js';
import { hasKey, isJsonArray, isJsonObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import type { Schema } from './schema.js';
import { embeddedErrors, keyOf, listErrors } from './validate-list.js';
import {
  childPath,
  enumErrors,
  general,
  lengthErrors,
  numberErrors,
  sizeErrors,
  stringErrors,
  typeErrors,
} from './validate-value.js';
import type { Node } from './validate-value.js';

/** One node whose schema has `x-kubernetes-validations`. */
export interface RuleCheck {
  readonly value: Json;
  /** The stored value at the same place; undefined on create or if there was none. */
  readonly before: Json | undefined;
  readonly schema: Schema;
  readonly path: string;
}

/** Evaluates the rules of one node. */
export type RuleHook = (check: RuleCheck) => readonly FieldError[];

export interface Validation {
  /** The stored object: a value that an update leaves as it is may stay, even if the schema refuses it by now. */
  readonly before?: JsonObject | undefined;
  /** Without it no `x-kubernetes-validations` are evaluated. They are only asked if all else is valid. */
  readonly validateRules?: RuleHook;
}

/** Everything that is wrong with `object`; metadata is not looked at. */
export function validateObject(
  object: JsonObject,
  schema: Schema,
  options: Validation = {},
): readonly FieldError[] {
  const { before, validateRules } = options;
  const root: Node = { path: '', value: object, before, schema: { ...schema, type: 'object' } };
  const errors = [...validate(root).errors, ...walk(root, embeddedErrors), ...walk(root, listErrors)];
  if (validateRules === undefined) return errors;
  if (errors.length > 0) return hasRules(schema) ? [...errors, notChecked] : errors;
  return walk(root, ({ schema: node, ...place }) =>
    node['x-kubernetes-validations'] === undefined ? [] : validateRules({ ...place, schema: node }),
  );
}

const notChecked = fieldInvalid(
  '',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);

function hasRules(schema: Schema): boolean {
  const { properties = {}, items, additionalProperties } = schema;
  if (schema['x-kubernetes-validations'] !== undefined) return true;
  const values = typeof additionalProperties === 'object' ? [additionalProperties] : [];
  return [...Object.values(properties), ...(items === undefined ? [] : [items]), ...values].some(hasRules);
}

/** `matched` counts the checks that were made: of several failed alternatives, the one with most is reported. */
interface Result {
  readonly errors: readonly FieldError[];
  readonly matched: number;
}

function validate(node: Node): Result {
  const { value, before } = node;
  const { errors, matched } = check(node);
  const unchanged = before !== undefined && deepEqual(value, before);
  return { errors: unchanged ? [] : errors, matched };
}

function check(node: Node): Result {
  const { value, schema } = node;
  if (value === null) return merge([result(typeErrors(node)), result(enumErrors(node))]);
  const parts = [result(typeErrors(node)), combined(node)];
  if (typeof value === 'string') parts.push(result(stringErrors(node)));
  if (typeof value === 'number') parts.push(result(numberErrors(node)));
  if (isJsonArray(value)) parts.push(...items(node, value).map(validate), result(lengthErrors(node, value)));
  if (schema.enum !== undefined) parts.push(result(enumErrors(node)));
  if (isJsonObject(value)) {
    parts.push(
      result(sizeErrors(node, value)),
      ...fields(node, value).map(validate),
      result(requiredErrors(node, value)),
    );
  }
  return merge(parts);
}

const result = (errors: readonly FieldError[]): Result => ({ errors, matched: 1 });

function merge(results: readonly Result[]): Result {
  return {
    errors: results.flatMap(({ errors }) => errors),
    matched: results.reduce((sum, { matched }) => sum + matched, 0),
  };
}

function requiredErrors({ schema, path }: Node, value: JsonObject): readonly FieldError[] {
  return (schema.required ?? [])
    .filter((key) => !hasKey(value, key))
    .map((key) => fieldRequired(childPath(path, key)));
}

function combined(node: Node): Result {
  const { anyOf, oneOf, allOf, not } = node.schema;
  const parts = [result([])];
  if (anyOf !== undefined && anyOf.length > 0) parts.push(checkAnyOf(node, anyOf));
  if (oneOf !== undefined && oneOf.length > 0) parts.push(checkOneOf(node, oneOf));
  if (allOf !== undefined && allOf.length > 0) parts.push(checkAllOf(node, allOf));
  if (not !== undefined && isValid(check({ ...node, schema: not }))) {
    parts.push(result([general(`"${node.path}" must not validate the schema (not)`)]));
  }
  return merge(parts);
}

const isValid = ({ errors }: Result): boolean => errors.length === 0;

function alternatives(node: Node, schemas: readonly Schema[]): readonly Result[] {
  return schemas.map((schema) => check({ ...node, schema }));
}

function bestOf(failures: readonly Result[]): readonly Result[] {
  const [first, ...rest] = failures;
  if (first === undefined) return [];
  return [rest.reduce((best, next) => (next.matched > best.matched ? next : best), first)];
}

function checkAnyOf(node: Node, schemas: readonly Schema[]): Result {
  const results = alternatives(node, schemas);
  const success = results.find(isValid);
  if (success !== undefined) return success;
  const message = general(`"${node.path}" must validate at least one schema (anyOf)`);
  return merge([result([message]), ...bestOf(results)]);
}

function checkOneOf(node: Node, schemas: readonly Schema[]): Result {
  const results = alternatives(node, schemas);
  const [success, ...more] = results.filter(isValid);
  if (success !== undefined && more.length === 0) return success;
  const found = success === undefined ? 'Found none valid' : `Found ${more.length + 1} valid alternatives`;
  const message = general(`"${node.path}" must validate one and only one schema (oneOf). ${found}`);
  return merge([result([message]), ...(success === undefined ? bestOf(results) : [])]);
}

function checkAllOf(node: Node, schemas: readonly Schema[]): Result {
  const results = alternatives(node, schemas);
  const valid = results.filter(isValid).length;
  if (valid === results.length) return merge(results);
  const none = valid === 0 ? '. None validated' : '';
  return merge([
    ...results,
    result([general(`"${node.path}" must validate all the schemas (allOf)${none}`)]),
  ]);
}

/** The items of a list; only those that have a key can be compared with what was there before. */
function items({ path, before, schema }: Node, value: readonly Json[]): readonly Node[] {
  const { items: itemSchema } = schema;
  if (itemSchema === undefined) return [];
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  const old = new Map<string, Json>();
  if (isJsonArray(before) && keys.length > 0)
    for (const item of before) old.set(keyOf(item, keys, itemSchema), item);
  return value.map((item, index) => ({
    path: `${path}[${index}]`,
    value: item,
    before: old.get(keyOf(item, keys, itemSchema)),
    schema: itemSchema,
  }));
}

/** The rules and the list types write a key of a map in brackets, the schema's own checks as a field. */
const bracketed = (path: string, key: string): string => `${path}[${key}]`;

function fields({ path, before, schema }: Node, value: JsonObject, mapPath = childPath): readonly Node[] {
  const old = isJsonObject(before) ? before : {};
  const { properties = {}, additionalProperties } = schema;
  return Object.entries(value).flatMap(([key, item]) => {
    const known = hasKey(properties as never, key) ? properties[key] : undefined;
    const child = known ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    const was = hasKey(old, key) ? old[key] : undefined;
    return child === undefined
      ? []
      : [
          {
            path: (known === undefined ? mapPath : childPath)(path, key),
            value: item,
            before: was,
            schema: child,
          },
        ];
  });
}

/** Calls `visit` for every node that the schema reaches, outside before inside. */
function walk(node: Node, visit: (node: Node) => readonly FieldError[]): readonly FieldError[] {
  const { value } = node;
  const below = isJsonArray(value)
    ? items(node, value)
    : isJsonObject(value)
      ? fields(node, value, bracketed)
      : [];
  return [...visit(node), ...below.flatMap((child) => walk(child, visit))];
}
