/** What a matcher needs of the runner that calls it: Jest's context, or anything of that shape. */
export interface Matching {
  readonly isNot?: boolean;
  readonly equals: (actual: unknown, expected: unknown) => boolean;
  readonly utils: {
    matcherHint(name: string, received?: string, expected?: string, options?: { isNot?: boolean }): string;
    printExpected(value: unknown): string;
    printReceived(value: unknown): string;
  };
}

export interface Match {
  readonly pass: boolean;
  readonly message: () => string;
}

export type Fields = Readonly<Record<string, unknown>>;

/** What a string must be: equal to, or matched by. */
export type Text = string | RegExp | { asymmetricMatch(other: unknown): boolean };

export function matchesText({ equals }: Matching, actual: unknown, expected: Text): boolean {
  if (expected instanceof RegExp) return typeof actual === 'string' && actual.search(expected) >= 0;
  return equals(actual, expected);
}

/** The lines of a failure: how the matcher was called, then what was expected and what there is. */
export function failure(
  { isNot = false, utils }: Matching,
  { name, call }: { readonly name: string; readonly call: string },
  lines: readonly string[],
): () => string {
  return () => [utils.matcherHint(name, undefined, call, { isNot }), '', ...lines].join('\n');
}

/**
 * @throws TypeError for anything but an object, with `.not` too: a claim about nothing is no claim
 */
export function objectIn(received: unknown, name: string, what: string): Fields {
  if (isFields(received)) return received;
  const got = received === null ? 'null' : typeof received;
  throw new TypeError(`${name} needs ${what}, and was given ${got}: was it not there yet?`);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsAt(from: Fields, key: string): Fields {
  const value = from[key];
  return isFields(value) ? value : {};
}

export function listAt(from: Fields, key: string): readonly Fields[] {
  const value = from[key];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** A value as it reads in a sentence. */
export function word(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
