import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, copyJson, isWithin, type JsonObject, mergePatchBetween } from './json.js';

/** Without null: in a merge patch it means removal, so that no patch can make a field null. */
const value = fc.letrec<{ any: unknown; object: JsonObject }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer(),
    fc.boolean(),
    fc.string({ maxLength: 3 }),
    fc.array(tie('any'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('any'), { maxKeys: 4 }),
}));

/** RFC 7396, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key];
    else result[key] = apply(result[key], change);
  }
  return result;
}

describe('the difference of two values', () => {
  test('makes one of the other', () => {
    fc.assert(
      fc.property(value.object, value.object, (before, after) => {
        expect(apply(before, mergePatchBetween(before, after) ?? {})).toEqual(after);
      }),
    );
  });

  test('is nothing exactly when they are equal', () => {
    fc.assert(
      fc.property(value.object, value.object, (before, after) => {
        expect(mergePatchBetween(before, copyJson(before))).toBeUndefined();
        const equal = canonicalJson(before) === canonicalJson(after);
        expect(mergePatchBetween(before, after) === undefined).toBe(equal);
      }),
    );
  });

  test('names what was removed, changed and added, and no more', () => {
    const before = { kept: { x: 1, y: 2 }, gone: true, list: [1, 2] };
    expect(mergePatchBetween(before, { kept: { x: 1, y: 3 }, list: [1], added: {} })).toEqual({
      kept: { y: 3 },
      gone: null,
      list: [1],
      added: {},
    });
  });

  test('takes an undefined field for an absent one', () => {
    expect(mergePatchBetween({ a: 1, b: undefined }, { a: 1, c: undefined })).toBeUndefined();
    expect(mergePatchBetween({ a: 1 }, { a: undefined })).toEqual({ a: null });
  });
});

describe('being within', () => {
  test('holds for every part, whatever is beside it', () => {
    expect(isWithin({ a: { b: 1 } }, { a: { b: 1, c: 2 }, d: 3 })).toBe(true);
    expect(isWithin({ a: [{ b: 1 }] }, { a: [{ b: 1, c: 2 }] })).toBe(true);
    expect(isWithin({ a: undefined }, {})).toBe(true);
  });

  test('fails for another value, a missing field, and a list of another length or order', () => {
    expect(isWithin({ a: 1 }, { a: 2 })).toBe(false);
    expect(isWithin({ a: {} }, {})).toBe(false);
    expect(isWithin({ a: [1] }, { a: [1, 2] })).toBe(false);
    expect(isWithin({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(isWithin({ a: null }, {})).toBe(false);
  });
});

test('a copy shares nothing with what it was made of', () => {
  const original = { list: [{ a: 1 }], nothing: undefined };
  const copied = copyJson(original);
  expect(copied).toStrictEqual({ list: [{ a: 1 }] });
  copied.list[0]!.a = 2;
  expect(original.list[0]!.a).toBe(1);
});
