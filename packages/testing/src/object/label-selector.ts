/** Label selectors: `app=web,tier in (a,b),!legacy`, as in the query of a list or a watch. */
import { fieldInvalid, formatFieldError } from './field-error.js';
import { compareBytes } from './go-format.js';
import { isJsonArray, isJsonObject, textOf } from './json.js';
import type { Json, JsonObject } from './json.js';
import { labelValueProblems, qualifiedNameProblems } from './names.js';
import { badRequest } from './status.js';
import type { StatusError } from './status.js';

export type LabelOperator = 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** All requirements must hold; none at all match everything. */
export type LabelSelector = readonly LabelRequirement[];

export type Labels = Readonly<Record<string, string>>;

/** @throws StatusError 400 if the text is no selector */
export function parseLabelSelector(text: string): LabelSelector {
  return new Parser(tokenize(text)).selector();
}

export function matchesLabels(selector: LabelSelector, labels: Labels): boolean {
  return selector.every((requirement) => holds(requirement, labels));
}

/** The labels of an object; none if there are none. */
export function labelsOf(object: JsonObject): Labels {
  const metadata = object['metadata'];
  const labels = isJsonObject(metadata) ? metadata['labels'] : undefined;
  if (!isJsonObject(labels)) return {};
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, textOf(value)]));
}

const operators: Readonly<Record<string, LabelOperator>> = {
  DoesNotExist: '!',
  Exists: 'exists',
  In: 'in',
  NotIn: 'notin',
};

/** A selector out of the `matchLabels` and `matchExpressions` of an object's spec. */
export function labelSelectorOf(selector: Json | undefined): LabelSelector {
  if (!isJsonObject(selector)) return [];
  const { matchLabels, matchExpressions } = selector;
  const equal = isJsonObject(matchLabels) ? Object.entries(matchLabels) : [];
  const expressions = isJsonArray(matchExpressions) ? matchExpressions.filter(isJsonObject) : [];
  return [
    ...equal.map(([key, value]): LabelRequirement => ({ key, operator: '=', values: [textOf(value)] })),
    ...expressions.map(({ key, operator, values }): LabelRequirement => ({
      key: textOf(key),
      operator: operators[textOf(operator)] ?? 'exists',
      values: isJsonArray(values) ? values.map(textOf) : [],
    })),
  ];
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const isListed = value !== undefined && values.includes(value);
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '=':
    case '==':
    case 'in':
      return isListed;
    case '!=':
    case 'notin':
      return !isListed;
    case 'gt':
      return isInteger(value) && BigInt(value) > BigInt(values[0] ?? 0);
    case 'lt':
      return isInteger(value) && BigInt(value) < BigInt(values[0] ?? 0);
  }
}

function isInteger(value: string | undefined): value is string {
  return value !== undefined && /^[+-]?\d+$/.test(value);
}

type Token =
  | { readonly kind: 'symbol'; readonly text: string }
  | { readonly kind: 'identifier'; readonly text: string }
  | { readonly kind: 'end'; readonly text: '' };

function tokenize(text: string): readonly Token[] {
  const words = text.match(/[^\s()!,=<>]+|[!=<>]+|[(),]/g) ?? [];
  return words.flatMap((word): readonly Token[] =>
    /^[!=<>]+$/.test(word)
      ? symbols(word)
      : [/^[(),]$/.test(word) ? { kind: 'symbol', text: word } : { kind: 'identifier', text: word }],
  );
}

/** A run of operator characters, the longest operators first: `!a` has none before it that would join. */
function symbols(word: string): readonly Token[] {
  return (word.match(/==|!=|[!=<>]/g) ?? []).map((text) => ({ kind: 'symbol', text }));
}

const comparisons = new Map<string, LabelOperator>([
  ['=', '='],
  ['==', '=='],
  ['!=', '!='],
  ['>', 'gt'],
  ['<', 'lt'],
  ['in', 'in'],
  ['notin', 'notin'],
]);

class Parser {
  #at = 0;

  constructor(readonly tokens: readonly Token[]) {}

  selector(): LabelSelector {
    const requirements: LabelRequirement[] = [];
    while (this.#peek().kind !== 'end') {
      if (!this.#isKey()) throw found(this.#peek(), "!, identifier, or 'end of string'");
      requirements.push(this.#requirement());
      const separator = this.#next();
      if (separator.kind === 'end') break;
      if (separator.text !== ',') throw found(separator, "',' or 'end of string'");
      if (!this.#isKey()) throw found(this.#peek(), "identifier after ','");
    }
    return requirements.toSorted((a, b) => compareBytes(a.key, b.key));
  }

  #requirement(): LabelRequirement {
    const first = this.#next();
    const negated = first.text === '!' && first.kind === 'symbol';
    const name = negated ? this.#next() : first;
    if (name.kind !== 'identifier') throw unparsable(`found '${name.text}', expected: identifier`);
    const key = name.text;
    assertKey(key);
    if (negated) return { key, operator: '!', values: [] };
    const next = this.#peek();
    if (next.kind === 'end' || next.text === ',') return { key, operator: 'exists', values: [] };
    return this.#comparison(key);
  }

  #comparison(key: string): LabelRequirement {
    const token = this.#next();
    const operator = comparisons.get(token.text);
    if (operator === undefined) {
      throw unparsable(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    const values = operator === 'in' || operator === 'notin' ? this.#list() : [this.#value()];
    assertValues(key, operator, values);
    return { key, operator, values: values.toSorted(compareBytes) };
  }

  /** A missing value is the empty one. */
  #value(): string {
    const token = this.#peek();
    if (token.kind === 'end' || token.text === ',') return '';
    if (token.kind !== 'identifier') throw unparsable(`found '${token.text}', expected: identifier`);
    this.#at += 1;
    return token.text;
  }

  #list(): readonly string[] {
    const open = this.#next();
    if (open.text !== '(') throw unparsable(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const token = this.#next();
      if (token.kind === 'identifier') {
        values.add(token.text);
        const after = this.#next();
        if (after.text === ')') return [...values];
        if (after.text !== ',') throw unparsable(`found '${after.text}', expected: ',' or ')'`);
        if (this.#peek().text === ')') values.add('');
      } else if (token.text === ')') {
        return values.size === 0 ? [''] : [...values];
      } else if (token.text === ',') {
        values.add('');
      } else {
        const expected = values.size === 0 ? "',', ')' or identifier" : "',', or identifier";
        throw unparsable(`found '${token.text}', expected: ${expected}`);
      }
    }
  }

  #isKey(): boolean {
    const token = this.#peek();
    return token.kind === 'identifier' || token.text === '!';
  }

  #peek(): Token {
    return this.tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }
}

function found(token: Token, expected: string): StatusError {
  return badRequest(`found '${token.text}', expected: ${expected}`);
}

function unparsable(detail: string): StatusError {
  return badRequest(`unable to parse requirement: ${detail}`);
}

function assertKey(key: string): void {
  const problems = qualifiedNameProblems(key);
  if (problems.length === 0) return;
  throw unparsable(formatFieldError(fieldInvalid('<nil>', key, problems.join('; '))));
}

function assertValues(key: string, operator: LabelOperator, values: readonly string[]): void {
  for (const [index, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && !isInteger(value)) {
      const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
      throw unparsable(formatFieldError(fieldInvalid(`values[${index}]`, value, detail)));
    }
    const problems = labelValueProblems(value);
    if (problems.length > 0) {
      throw unparsable(
        formatFieldError(fieldInvalid(`values[${index}][${key}]`, value, problems.join('; '))),
      );
    }
  }
}
