/** The functions that Kubernetes adds to CEL, as far as operators' rules use them: lists, strings, regular expressions, quantities. */
import { Environment, evaluate } from '@marcbachmann/cel-js';
import { Quantity } from './quantity.js';

export const durationOf = (text: string): unknown => evaluate('duration(text)', { text });

/** A date alone is its first moment in UTC. */
export const timestampOf = (text: string): unknown =>
  evaluate('timestamp(text)', { text: /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text });

/** `typed` for an environment that checks types, and does not evaluate. */
export function registerLibrary(environment: Environment, typed: boolean): void {
  environment
    .registerFunction('duration(google.protobuf.Duration): google.protobuf.Duration', (same: unknown) => same)
    .registerFunction(
      'timestamp(google.protobuf.Timestamp): google.protobuf.Timestamp',
      (same: unknown) => same,
    );
  registerLists(environment, typed);
  registerStrings(environment);
  registerQuantities(environment);
}

type Ordered = bigint | number | string;

function sum(list: readonly (bigint | number)[]): bigint | number {
  return list.reduce(
    (total, item) => ((total as number) + (item as number)) as bigint | number,
    zeroFor(list),
  );
}

/** A bigint and a number cannot be added. */
const zeroFor = ([first = 0n]: readonly (bigint | number)[]): bigint | number =>
  typeof first === 'bigint' ? 0n : 0;

function most(list: readonly Ordered[], better: (a: Ordered, b: Ordered) => boolean, name: string): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error(`${name} called on empty list`);
  return rest.reduce((best, item) => (better(item, best) ? item : best), first);
}

/** At run time the types of items are those of the values, so that one function serves all. */
function registerLists(environment: Environment, typed: boolean): void {
  const [list, item] = typed ? ['list<A>', 'A'] : ['list', 'dyn'];
  const isSorted = (items: readonly Ordered[]): boolean =>
    items.every((one, index) => index === 0 || (items[index - 1] ?? one) <= one);
  for (const type of typed ? ['int', 'double'] : ['']) {
    environment.registerFunction(type === '' ? 'list.sum(): dyn' : `list<${type}>.sum(): ${type}`, sum);
  }
  environment
    .registerFunction(`${list}.isSorted(): bool`, isSorted)
    .registerFunction(`${list}.min(): ${item}`, (items: readonly Ordered[]) =>
      most(items, (a, b) => a < b, 'min'),
    )
    .registerFunction(`${list}.max(): ${item}`, (items: readonly Ordered[]) =>
      most(items, (a, b) => a > b, 'max'),
    )
    .registerFunction(`${list}.indexOf(${item}): int`, (items: readonly Ordered[], wanted: Ordered) =>
      BigInt(items.indexOf(wanted)),
    )
    .registerFunction(`${list}.lastIndexOf(${item}): int`, (items: readonly Ordered[], wanted: Ordered) =>
      BigInt(items.lastIndexOf(wanted)),
    );
}

function registerStrings(environment: Environment): void {
  environment
    .registerFunction('string.charAt(int): string', (text: string, at: bigint) => text.charAt(Number(at)))
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => (new RegExp(pattern, 'u').exec(text) ?? [''])[0],
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      [...text.matchAll(new RegExp(pattern, 'gu'))].map(([found]) => found),
    );
}

function registerQuantities(environment: Environment): void {
  environment
    .registerType('kubernetes.Quantity', Quantity)
    .registerFunction('isQuantity(string): bool', (text: string) => Quantity.parse(text) !== undefined)
    .registerFunction('quantity(string): kubernetes.Quantity', (text: string) => {
      const quantity = Quantity.parse(text);
      if (quantity !== undefined) return quantity;
      throw new Error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    })
    .registerFunction('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', (a: Quantity, b: Quantity) =>
      BigInt(a.compareTo(b)),
    )
    .registerFunction(
      'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool',
      (a: Quantity, b: Quantity) => a.compareTo(b) < 0,
    )
    .registerFunction(
      'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
      (a: Quantity, b: Quantity) => a.compareTo(b) > 0,
    )
    .registerFunction('kubernetes.Quantity.sign(): int', (quantity: Quantity) =>
      BigInt(quantity.compareTo(Quantity.zero)),
    )
    .registerOperator(
      'kubernetes.Quantity == kubernetes.Quantity',
      (a: Quantity, b: Quantity) => a.compareTo(b) === 0,
    );
}
