/** `x-kubernetes-validations`: the rules of a schema, compiled once and asked for each object. */
import { Environment, EvaluationError, Optional } from '@marcbachmann/cel-js';
import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { deepEqual } from './equal.js';
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from './field-error.js';
import type { FieldError } from './field-error.js';
import { isJsonArray, isJsonObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import { registerLibrary } from './rule-library.js';
import { celValue } from './rule-types.js';
import type { Schema } from './schema.js';
import type { RuleCheck } from './validate-object.js';

/** One entry of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly messageExpression: string;
  readonly reason: string;
  readonly fieldPath: string;
  readonly optionalOldSelf: boolean;
}

export function rulesOf(schema: Schema): readonly Rule[] {
  return (schema['x-kubernetes-validations'] ?? []).filter(isJsonObject).map(ruleOf);
}

function ruleOf(declared: JsonObject): Rule {
  const text = (key: string): string => {
    const value = declared[key];
    return typeof value === 'string' ? value : '';
  };
  return {
    rule: text('rule'),
    message: text('message'),
    messageExpression: text('messageExpression'),
    reason: text('reason'),
    fieldPath: text('fieldPath'),
    optionalOldSelf: declared['optionalOldSelf'] === true,
  };
}

/** Whether the rule compares with what was before, and so does not hold for what is new. */
export function usesOldSelf(node: ASTNode): boolean {
  return names(node).has('oldSelf');
}

function names(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) names(item, found);
  else if (isNode(value)) {
    if (value.op === 'id') found.add(value.args);
    else names(value.args, found);
  }
  return found;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

interface Compiled extends Rule {
  readonly evaluate: ParseResult;
  readonly explain: ParseResult | undefined;
  readonly isTransition: boolean;
}

const runtimes = { plain: runtime('dyn'), optional: runtime('optional<dyn>') };
const compiled = new WeakMap<Schema, readonly Compiled[]>();

/** Types were checked when the definition was made: at run time the values tell. */
function runtime(oldSelf: string): Environment {
  const environment = new Environment({ enableOptionalTypes: true });
  registerLibrary(environment, false);
  return environment.registerVariable('self', 'dyn').registerVariable('oldSelf', oldSelf);
}

function compile(schema: Schema): readonly Compiled[] {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const rules = rulesOf(schema).map((rule) => {
    const environment = rule.optionalOldSelf ? runtimes.optional : runtimes.plain;
    const evaluate = environment.parse(rule.rule);
    const explain = rule.messageExpression === '' ? undefined : environment.parse(rule.messageExpression);
    return { ...rule, evaluate, explain, isTransition: usesOldSelf(evaluate.ast) };
  });
  compiled.set(schema, rules);
  return rules;
}

/** What the rules of one node say of its value. */
export function validateRules(check: RuleCheck): readonly FieldError[] {
  const { value, before, schema, path } = check;
  if (value === null) return [];
  const unchanged = before !== undefined && deepEqual(value, before);
  const isRoot = path === '';
  const self = celValue(value, schema, isRoot);
  const old = before === undefined ? undefined : celValue(before, schema, isRoot);
  return compile(schema).flatMap((rule) => {
    if (rule.isTransition ? old === undefined && !rule.optionalOldSelf : unchanged) return [];
    const oldSelf = rule.optionalOldSelf ? Optional.of(old) : old;
    return judge(rule, { self, oldSelf }, check);
  });
}

function judge(rule: Compiled, variables: object, check: RuleCheck): readonly FieldError[] {
  try {
    return rule.evaluate({ ...variables }) === true ? [] : [broken(rule, messageOf(rule, variables), check)];
  } catch (error) {
    const words = `${reasonOf(error)} evaluating rule: ${rule.message || rule.rule}`;
    return [fieldInvalid(check.path, check.schema.type ?? '', words)];
  }
}

function reasonOf(error: unknown): string {
  const words = error instanceof EvaluationError ? error.summary : String(error);
  return words.replace(/^No such key/, 'no such key');
}

function messageOf({ rule, message, explain }: Compiled, variables: object): string {
  return explanation(explain, variables) ?? (message === '' ? `failed rule: ${rule}` : message.trim());
}

/** Undefined if the expression fails, or gives no message of one line. */
function explanation(explain: ParseResult | undefined, variables: object): string | undefined {
  try {
    const message: unknown = explain?.({ ...variables });
    if (typeof message !== 'string' || message.trim() === '' || message.includes('\n')) return undefined;
    return message.trim();
  } catch {
    return undefined;
  }
}

function broken(rule: Compiled, message: string, { path, value }: RuleCheck): FieldError {
  const field = `${path}${rule.fieldPath}`.replace(/^\./, '');
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return fieldForbidden(field, message);
    case 'FieldValueRequired':
      return fieldRequired(field, message);
    case 'FieldValueDuplicate':
      return fieldDuplicate(field, value);
    default:
      return invalidBy(field, value, message);
  }
}

/** The value is shown if it fits a line. */
function invalidBy(field: string, value: Json, message: string): FieldError {
  if (!isJsonObject(value) && !isJsonArray(value)) return fieldInvalid(field, value, message);
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${message}` };
}
