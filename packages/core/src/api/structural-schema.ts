/** From zod to the structural OpenAPI v3 schemas that custom resource definitions allow. */
import { z } from 'zod';
import { IncumbentError, messageOf } from '../kit/error.js';

/** A node of JSON Schema, as zod writes it. */
interface Node {
  readonly [keyword: string]: unknown;
}

/** Taken over as they are. Everything else is either rewritten below or means nothing to the API server. */
const KEPT = [
  'type',
  'description',
  'title',
  'default',
  'nullable',
  'enum',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'required',
] as const;

/** Those that the API server checks, by the names that zod gives them. */
const FORMATS = new Set(['date', 'date-time', 'email', 'uri', 'uuid', 'ipv4', 'ipv6', 'int32', 'int64']);

/** A schema of zod as the API server wants it. `path`: for errors, such as `Backup.spec`. @throws {@link IncumbentError} `SCHEMA_UNSUPPORTED` */
export function structuralSchema(schema: z.ZodType, path: string): Node {
  return rewrite(jsonSchemaOf(schema, path), path);
}

function jsonSchemaOf(schema: z.ZodType, path: string): Node {
  try {
    // What users write, before defaults are filled in. A schema that is used twice is written twice: structural schemas know no references.
    return z.toJSONSchema(schema, {
      target: 'openapi-3.0',
      io: 'input',
      reused: 'inline',
      cycles: 'throw',
    }) as Node;
  } catch (error) {
    throw unsupported(path, `zod can't express it as a schema: ${messageOf(error).split('\n')[0]}`);
  }
}

function rewrite(node: Node, path: string): Node {
  if ('$ref' in node) throw unsupported(path, 'schemas that contain themselves are not possible.');
  const alternatives = (node['anyOf'] ?? node['oneOf']) as Node[] | undefined;
  if (alternatives) return { ...annotations(node), ...rewriteUnion(alternatives, path) };
  return rewriteOne(node, path);
}

function rewriteOne(node: Node, path: string): Node {
  if (node['type'] === undefined && node['enum'] === undefined && !node['allOf'])
    return { ...annotations(node), 'x-kubernetes-preserve-unknown-fields': true };
  const kept = KEPT.filter((key) => key in node && !isNoBound(key, node[key]));
  return {
    ...Object.fromEntries(kept.map((key) => [key, node[key]])),
    ...extensions(node),
    ...stringRules(node, path),
    ...rewriteObject(node, path),
    ...rewriteItems(node, path),
  };
}

/** `z.int()` is bounded by what a double can count, which says nothing to people and is not what was meant. */
function isNoBound(keyword: string, value: unknown): boolean {
  return (
    (keyword === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
    (keyword === 'minimum' && value === Number.MIN_SAFE_INTEGER)
  );
}

function stringRules(node: Node, path: string): Node {
  const format = node['format'] as string | undefined;
  const known = format !== undefined && FORMATS.has(format);
  const parts = (node['allOf'] ?? []) as Node[];
  const patterns = [node, ...parts].map(({ pattern }) => pattern).filter((p) => typeof p === 'string');
  for (const pattern of patterns) checkPattern(pattern, known, path);
  // With a format the server checks, zod's own pattern for it says the same at great length.
  const own = known ? patterns.slice(1) : patterns;
  const rules =
    own.length > 1
      ? { allOf: own.map((pattern) => ({ pattern })) }
      : own.length === 1
        ? { pattern: own[0] }
        : {};
  return { ...(known ? { format } : {}), ...rules };
}

/** Go's regular expressions look neither ahead nor behind, nor back. */
function checkPattern(pattern: string, dropped: boolean, path: string): void {
  if (!dropped && /\(\?<?[=!]|\\[1-9]/.test(pattern))
    throw unsupported(
      path,
      `the pattern ${pattern} looks around or refers back, which the API server's can't.`,
    );
}

function rewriteObject(node: Node, path: string): Node {
  const rules: Record<string, unknown> = {};
  if (node['properties'])
    rules['properties'] = rewriteProperties(node['properties'] as Record<string, Node>, path);
  const rest = node['additionalProperties'] as Node | boolean | undefined;
  if (rest === undefined || rest === false) return rules;
  const open = rest === true || Object.keys(rest).length === 0;
  if (open) rules['x-kubernetes-preserve-unknown-fields'] = true;
  else if (node['properties'])
    throw unsupported(path, 'an object has either named fields or any names (z.record), not both.');
  else rules['additionalProperties'] = rewrite(rest, `${path}.*`);
  return rules;
}

function rewriteProperties(properties: Record<string, Node>, path: string): Node {
  return Object.fromEntries(
    Object.entries(properties).map(([name, child]) => [name, rewrite(child, `${path}.${name}`)]),
  );
}

function rewriteItems(node: Node, path: string): Node {
  if (node['type'] !== 'array') return {};
  const items = node['items'] as Node | undefined;
  if (!items) throw unsupported(path, 'a list needs a schema for its items.');
  const tuple =
    Array.isArray(items['anyOf']) && node['minItems'] !== undefined && node['minItems'] === node['maxItems'];
  if (tuple) throw unsupported(path, 'tuples are not possible: use an object with a field for each place.');
  return { items: rewrite(items, `${path}[]`) };
}

/** The API server has no unions, but two cases can be said otherwise. */
function rewriteUnion(alternatives: readonly Node[], path: string): Node {
  const nullable = alternatives.some(isNull) ? { nullable: true } : {};
  const others = alternatives.filter((each) => !isNull(each)).map((each) => rewrite(each, path));
  const [first] = others;
  if (others.length === 1) return { ...first, ...nullable };
  const types = new Set(others.map(({ type }) => type));
  if (types.size === 1 && others.every(({ enum: values }) => values))
    return {
      type: first?.['type'],
      enum: others.flatMap(({ enum: values }) => values as unknown[]),
      ...nullable,
    };
  if (others.length === 2 && types.has('integer') && types.has('string'))
    return { 'x-kubernetes-int-or-string': true, ...nullable };
  throw unsupported(
    path,
    'of unions only literals of one type, and an integer or a string, are possible: use an object with an optional field for each case.',
  );
}

function isNull({ enum: values }: Node): boolean {
  return Array.isArray(values) && values.length === 1 && values[0] === null;
}

function annotations(node: Node): Node {
  const kept = ['description', 'title', 'default', 'nullable'].filter((key) => key in node);
  return { ...Object.fromEntries(kept.map((key) => [key, node[key]])), ...extensions(node) };
}

/** Such as `x-kubernetes-validations`, given by `.meta()`. */
function extensions(node: Node): Node {
  return Object.fromEntries(Object.entries(node).filter(([key]) => key.startsWith('x-kubernetes-')));
}

function unsupported(path: string, why: string): IncumbentError {
  return new IncumbentError(
    'SCHEMA_UNSUPPORTED',
    `${path} can't be part of a custom resource definition: ${why}`,
  );
}
