/** Values as JSON has them: copied, compared, and the difference of two as a patch. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy that shares nothing. Keys whose value is `undefined` are left out, as in JSON. */
export function copyJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => copyJson(item)) as T;
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(present(value).map(([key, child]) => [key, copyJson(child)])) as T;
}

/**
 * Whether everything in `part` is in `whole` too. Lists must have the same length, and each item of one be within the item of the other
 * at its place.
 */
export function isWithin(part: unknown, whole: unknown): boolean {
  if (Array.isArray(part))
    return (
      Array.isArray(whole) &&
      part.length === whole.length &&
      part.every((item, index) => isWithin(item, whole[index]))
    );
  if (!isJsonObject(part)) return part === whole;
  return isJsonObject(whole) && present(part).every(([key, child]) => isWithin(child, whole[key]));
}

/**
 * The JSON Merge Patch (RFC 7396) that makes `after` of `before`: what was removed is `null`, lists come whole. `undefined` when they
 * are equal.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7396
 */
export function mergePatchBetween(
  before: JsonObject,
  after: JsonObject,
): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const [key] of present(before)) if (after[key] === undefined) patch[key] = null;
  for (const [key, value] of present(after)) {
    const change = changeBetween(before[key], value);
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** One text for all values that are equal: keys in order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, child: unknown) =>
    isJsonObject(child)
      ? Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}

function changeBetween(before: unknown, after: unknown): unknown {
  if (isJsonObject(before) && isJsonObject(after)) return mergePatchBetween(before, after);
  return isWithin(before, after) && isWithin(after, before) ? undefined : after;
}

function present(object: JsonObject): [string, unknown][] {
  return Object.entries(object).filter(([, value]) => value !== undefined);
}
