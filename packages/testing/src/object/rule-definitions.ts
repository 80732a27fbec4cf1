/** Whether the rules of a schema can be used: checked when the definition is written, so that they cannot fail to compile later. */
import { Environment, ParseError } from '@marcbachmann/cel-js';
import type { TypeCheckResult } from '@marcbachmann/cel-js';
import { fieldInvalid, fieldNotSupported, fieldRequired } from './field-error.js';
import type { FieldError } from './field-error.js';
import { checkerFor } from './rule-types.js';
import { rulesOf, usesOldSelf } from './rules.js';
import type { Rule } from './rules.js';
import type { Schema } from './schema.js';

type Errors = readonly FieldError[];

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/**
 * What is wrong with the rules of one node at `path`.
 *
 * `uncorrelatable` is the path of the list around it whose items have no identity, if there is one: there is no old value there.
 */
export function ruleErrors(
  schema: Schema,
  path: string,
  isRoot: boolean,
  uncorrelatable: string | undefined,
): Errors {
  const checkers = new Map<boolean, Environment>();
  const checker = ({ optionalOldSelf }: Rule): Environment => {
    const made = checkers.get(optionalOldSelf) ?? checkerFor(schema, isRoot, optionalOldSelf);
    checkers.set(optionalOldSelf, made);
    return made;
  };
  return rulesOf(schema).flatMap((rule, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    if (rule.rule.trim() === '') return [fieldRequired(`${at}.rule`, 'rule is not specified')];
    const declared = (schema['x-kubernetes-validations'] ?? [])[index];
    return [
      ...textErrors(rule, at, typeof declared === 'object' && declared !== null && 'message' in declared),
      ...pathErrors(schema, rule, at),
      ...compileErrors(checker(rule), rule, at, uncorrelatable),
    ];
  });
}

function textErrors({ message, reason }: Rule, at: string, hasMessage: boolean): Errors {
  const errors: FieldError[] = [];
  if (hasMessage && message !== '' && message.trim() === '') {
    errors.push(fieldInvalid(`${at}.message`, message, 'must be non-empty if specified'));
  } else if (message.trim().includes('\n')) {
    errors.push(fieldInvalid(`${at}.message`, message, 'must not contain line breaks'));
  }
  if (reason !== '' && !reasons.includes(reason)) {
    errors.push(fieldNotSupported(`${at}.reason`, reason, reasons));
  }
  return errors;
}

/** A path of fields below the node, as `.spec.name` or `.labels['a/b']`. */
function pathErrors(schema: Schema, { fieldPath }: Rule, at: string): Errors {
  if (fieldPath === '') return [];
  const steps = fieldPath.match(/\.[^.['"]+|\['[^']*'\]/g) ?? [];
  let node: Schema | undefined = schema;
  for (const step of steps.join('') === fieldPath ? steps : ['']) {
    const name = step.startsWith('.') ? step.slice(1) : step.slice(2, -2);
    const { properties = {}, additionalProperties }: Schema = node ?? {};
    const known: Schema | undefined = Object.hasOwn(properties, name) ? properties[name] : undefined;
    node = known ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (node === undefined) return [fieldInvalid(`${at}.fieldPath`, fieldPath, 'must be a valid path')];
  }
  return [];
}

function compileErrors(
  checker: Environment,
  rule: Rule,
  at: string,
  uncorrelatable: string | undefined,
): Errors {
  const result = checker.check(rule.rule);
  if (!result.valid) return [refused(rule, `${at}.rule`, failureOf(rule.rule, result))];
  if (result.type !== 'bool' && result.type !== 'dyn') {
    return [refused(rule, `${at}.rule`, 'cel expression must evaluate to a bool')];
  }
  const isTransition = usesOldSelf(checker.parse(rule.rule).ast);
  if (isTransition && uncorrelatable !== undefined) {
    const words = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    return [fieldInvalid(`${at}.rule`, rule.rule, words)];
  }
  if (!isTransition && rule.optionalOldSelf) {
    return [fieldInvalid(`${at}.optionalOldSelf`, true, 'may not be set if oldSelf is not used in rule')];
  }
  return messageErrors(checker, rule, `${at}.messageExpression`);
}

function messageErrors(checker: Environment, rule: Rule, at: string): Errors {
  const { messageExpression } = rule;
  if (messageExpression === '') return [];
  const result = checker.check(messageExpression);
  if (!result.valid) {
    return [refused(rule, at, `messageExpression ${failureOf(messageExpression, result)}`)];
  }
  if (result.type === 'string' || result.type === 'dyn') return [];
  return [refused(rule, at, 'messageExpression must evaluate to a string')];
}

/** The server shows the rule as Go's own structure. */
function refused(rule: Rule, field: string, words: string): FieldError {
  const shown = JSON.stringify({
    Rule: rule.rule,
    Message: rule.message,
    MessageExpression: rule.messageExpression,
    Reason: rule.reason === '' ? null : rule.reason,
    FieldPath: rule.fieldPath,
    OptionalOldSelf: rule.optionalOldSelf ? true : null,
  }).replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown}: ${words}` };
}

/** In the form of the compiler, which points at the place; the words are its own for the commonest mistakes. */
function failureOf(expression: string, { error }: TypeCheckResult): string {
  const { column, words } = explain(expression, error);
  const dots = '.'.repeat(column - 1);
  return `compilation failed: ERROR: <input>:1:${column}: ${words}\n | ${expression}\n | ${dots}^`;
}

function explain(expression: string, error: TypeCheckResult['error']): { column: number; words: string } {
  const { start = 0, end = 0 } = error?.range ?? {};
  const summary = error?.summary ?? 'unknown error';
  const text = expression.slice(start, end);
  if (error instanceof ParseError) return { column: start + 1, words: `Syntax error: ${summary}` };
  switch (error?.code) {
    case 'no_such_key':
      return { column: Math.max(start, 1), words: `undefined field '${text}'` };
    case 'unknown_variable':
      return { column: start + 1, words: `undeclared reference to '${text}' (in container '')` };
    case 'no_matching_overload': {
      const name = /^\w+(?=\()/.exec(text)?.[0];
      if (name === undefined) return { column: start + 1, words: summary };
      return {
        column: start + name.length + 1,
        words: `undeclared reference to '${name}' (in container '')`,
      };
    }
    case 'no_such_overload':
      return overload(expression, error, summary);
    default:
      return { column: start + 1, words: summary };
  }
}

/** `no such overload: int > string`, as the server's compiler says it. */
function overload(expression: string, error: NonNullable<TypeCheckResult['error']>, summary: string) {
  const start = error.range?.start ?? 0;
  const match = /^no such overload: (\S+) (\S+) (\S+)$/.exec(summary);
  const operands: unknown = error.node?.args;
  const left: unknown = Array.isArray(operands) ? operands[0] : undefined;
  if (match === null || typeof left !== 'object' || left === null || !('range' in left)) {
    return { column: start + 1, words: summary };
  }
  const [, first, operator = '', second] = match;
  const { end } = left.range as { readonly end: number };
  const words = `found no matching overload for '_${operator}_' applied to '(${first}, ${second})'`;
  return { column: expression.indexOf(operator, end) + 1, words };
}
