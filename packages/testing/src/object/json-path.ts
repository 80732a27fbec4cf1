/** The JSONPath of printer columns, scale subresources and selectable fields. */
import { deepEqual } from './equal.js';
import { hasKey, isJsonArray, isJsonObject } from './json.js';
import type { Json, JsonObject } from './json.js';

type Step = (values: readonly Json[]) => readonly Json[];

/**
 * Compiles a path such as `.spec.schedule`, `.status.conditions[?(@.type=="Ready")].status`, `.spec.ports[0].name`,
 * `.spec.items[*].name`, `.metadata.labels.app\.kubernetes\.io/name` or `.metadata.annotations['a/b']`.
 *
 * The result is the first value found; undefined if there is none.
 *
 * @throws Error if the path cannot be read; the message names the rest that could not
 */
export function jsonPath(path: string): (object: JsonObject) => Json | undefined {
  const all = jsonPathAll(path);
  return (object) => all(object)[0];
}

/** As {@link jsonPath}, with everything that is found. */
export function jsonPathAll(path: string): (object: JsonObject) => readonly Json[] {
  const steps = parse(path.replace(/^\{([\s\S]*)\}$/, '$1').replace(/^\$/, ''));
  return (object) => steps.reduce<readonly Json[]>((values, step) => step(values), [object]);
}

const tokens: readonly (readonly [RegExp, (parts: RegExpExecArray) => Step])[] = [
  [/^\.?\[\?\(\s*@([^=!<>\s]*?)\s*(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*\)\]/, filterStep],
  [/^\.?\[\?\(\s*@([^=!<>\s]*?)\s*\)\]/, existsStep],
  [/^\.?\[\*\]/, () => everything],
  [/^\.?\[(-?\d+)\]/, ([, index = '0']) => indexStep(Number(index))],
  [/^\.?\[(-?\d*):(-?\d*)\]/, ([, start = '', end = '']) => sliceStep(start, end)],
  [/^\.?\[(?:'([^']*)'|"([^"]*)")\]/, ([, single, double]) => keyStep(single ?? double ?? '')],
  [/^\.\.((?:\\.|[^.[\]\\])+)/, ([, key = '']) => descendStep(unescape(key))],
  [/^\.\*/, () => everything],
  [/^\.((?:\\.|[^.[\]\\])+)/, ([, key = '']) => keyStep(unescape(key))],
];

function parse(path: string): readonly Step[] {
  const steps: Step[] = [];
  for (let rest = path; rest !== '' && rest !== '.';) {
    const found = tokens
      .map(([pattern, step]) => ({ parts: pattern.exec(rest), step }))
      .find(({ parts }) => parts);
    if (found?.parts == null) {
      throw new Error(`cannot read the JSONPath ${JSON.stringify(path)} from ${JSON.stringify(rest)} on`);
    }
    steps.push(found.step(found.parts));
    rest = rest.slice(found.parts[0].length);
  }
  return steps;
}

const unescape = (key: string): string => key.replaceAll(/\\(.)/g, '$1');

function keyStep(key: string): Step {
  return (values) =>
    values.flatMap((value) => (isJsonObject(value) && hasKey(value, key) ? [value[key] ?? null] : []));
}

function children(value: Json): readonly Json[] {
  if (isJsonArray(value)) return value;
  return isJsonObject(value) ? Object.values(value) : [];
}

const everything: Step = (values) => values.flatMap(children);

function descendStep(key: string): Step {
  const step = keyStep(key);
  const search = (value: Json): readonly Json[] => [...step([value]), ...children(value).flatMap(search)];
  return (values) => values.flatMap(search);
}

function indexStep(index: number): Step {
  return (values) => values.flatMap((value) => (isJsonArray(value) ? value.slice(index).slice(0, 1) : []));
}

function sliceStep(start: string, end: string): Step {
  const bounds = [start === '' ? 0 : Number(start), end === '' ? undefined : Number(end)] as const;
  return (values) => values.flatMap((value) => (isJsonArray(value) ? value.slice(...bounds) : []));
}

function filterStep([, path = '', operator = '', literal = '']: RegExpExecArray): Step {
  const find = jsonPathOf(path);
  const wanted = literalValue(literal);
  return (values) =>
    everything(values).filter((item) => find(item).some((found) => holds(found, operator, wanted)));
}

function existsStep([, path = '']: RegExpExecArray): Step {
  const find = jsonPathOf(path);
  return (values) => everything(values).filter((item) => find(item).length > 0);
}

function jsonPathOf(path: string): (value: Json) => readonly Json[] {
  const steps = parse(path);
  return (value) => steps.reduce<readonly Json[]>((values, step) => step(values), [value]);
}

function literalValue(literal: string): Json {
  if (/^["']/.test(literal)) return literal.slice(1, -1);
  if (literal === 'true' || literal === 'false') return literal === 'true';
  const number = Number(literal);
  return Number.isNaN(number) ? literal : number;
}

function holds(found: Json, operator: string, wanted: Json): boolean {
  if (operator === '==') return deepEqual(found, wanted);
  if (operator === '!=') return !deepEqual(found, wanted);
  if (typeof found !== typeof wanted || found === null || wanted === null) return false;
  switch (operator) {
    case '<':
      return found < wanted;
    case '<=':
      return found <= wanted;
    case '>':
      return found > wanted;
    default:
      return found >= wanted;
  }
}
