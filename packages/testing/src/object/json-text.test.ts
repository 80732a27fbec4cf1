import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readJson } from './json-text.js';
import type { ReadJsonOptions } from './json-text.js';
import { Quantity } from './quantity.js';

const problemOf = (text: string, options: ReadJsonOptions = {}): string => {
  try {
    readJson(text, options);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : '';
  }
  return 'none';
};

describe('JSON text', () => {
  test('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readJson(text)).toEqual({ value: JSON.parse(text) as unknown, duplicates: [] });
      }),
    );
  });

  test('is refused just where JSON.parse refuses it', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-',
      '0',
      '.5',
      'e1',
      'true',
      ' ',
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect(problemOf(text) === 'none').toBe(isJson);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['', 'unexpected end of JSON input'],
    ['[1', 'unexpected end of JSON input'],
    ['[1 2]', "invalid character '2' after array element"],
    ['1 2', "invalid character '2' after top-level value"],
    ['"\n"', String.raw`invalid character '\n' in string literal`],
    [String.raw`"\q"`, "invalid character 'q' in string escape code"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ["{'a'}", String.raw`invalid character '\'' looking for beginning of object key string`],
  ])('%j is refused in the words of Go', (text, message) => {
    expect(problemOf(text)).toBe(`JsonSyntaxError: ${message}`);
  });

  test('tells each field that comes again, and takes the last one', () => {
    expect(readJson('{"a":{"b":1,"b":2,"c":3},"l":[{"x":1,"x":2}],"a":{"b":4}}')).toEqual({
      value: { a: { b: 4 }, l: [{ x: 2 }] },
      duplicates: ['a.b', 'l[0].x', 'a'],
    });
  });

  test('puts objects together where that is asked for, lists not', () => {
    const text = '{"a":{"b":1,"l":[1]},"a":{"c":2,"l":[2]}}';
    expect(readJson(text, { merge: true }).value).toEqual({ a: { b: 1, c: 2, l: [2] } });
  });

  test('keeps keys that JavaScript has a meaning for', () => {
    expect(JSON.stringify(readJson('{"__proto__":{"a":1},"constructor":2}').value)).toBe(
      '{"__proto__":{"a":1},"constructor":2}',
    );
  });
});

describe('a quantity', () => {
  test.each([
    ['1', '1000m', 0],
    ['1Ki', '1024', 0],
    ['1k', '1Ki', -1],
    ['1.5Gi', '1536Mi', 0],
    ['2e3', '2k', 0],
    ['-1', '1n', -1],
    ['.5', '500m', 0],
    ['100u', '0.1m', 0],
  ])('%s compared with %s: %d', (a, b, result) => {
    expect(Quantity.parse(a)?.compareTo(Quantity.parse(b) ?? Quantity.zero)).toBe(result);
  });

  test.each(['', 'x', '1 Gi', '1GiB', '1e', '--1', '1.2.3'])('is not %j', (text) => {
    expect(Quantity.parse(text)).toBeUndefined();
  });
});
