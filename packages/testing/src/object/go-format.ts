/** How Go prints the values that the server's messages quote. */
import { isJsonArray, isJsonObject } from './json.js';
import type { Json } from './json.js';

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\u0007': '\\a',
  '\u000b': '\\v',
};

/** `%q`: a string in double quotes; what cannot be printed is escaped. */
export function goQuote(text: string): string {
  // eslint-disable-next-line no-control-regex
  const body = text.replaceAll(/["\\\u0000-\u001f\u007f-\u00a0\u00ad\u2028\u2029\ufeff]/g, (character) => {
    const known = escapes[character];
    if (known !== undefined) return known;
    const code = character.charCodeAt(0);
    return code < 0x80
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${body}"`;
}

/** `encoding/json`: keys sorted, no spaces, `<`, `>` and `&` escaped. */
export function goJson(value: Json): string {
  return stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function stringify(value: Json): string {
  if (isJsonArray(value)) return `[${value.map(stringify).join(',')}]`;
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort(compareBytes)
      .map((key) => `${JSON.stringify(key)}:${stringify(value[key] ?? null)}`);
    return `{${members.join(',')}}`;
  }
  return typeof value === 'number' ? goNumber(value) : JSON.stringify(value);
}

/** Byte order, as Go sorts strings; JavaScript's own order differs only beyond U+FFFF. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `%v` of an int64 or a float64. */
export function goNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && magnitude < 1e-4) return padExponent(value.toExponential());
  return padExponent(String(value));
}

function padExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `%v` of any decoded JSON value: maps as `map[a:1 b:2]`, lists as `[1 2]`, null as `<nil>`. */
export function goValue(value: Json | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (isJsonArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort(compareBytes)
      .map((key) => `${key}:${goValue(value[key])}`);
    return `map[${members.join(' ')}]`;
  }
  return typeof value === 'number' ? goNumber(value) : String(value);
}

/** `%#v` of any decoded JSON value. */
export function goSyntax(value: Json): string {
  if (value === null) return 'interface {}(nil)';
  if (isJsonArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort(compareBytes)
      .map((key) => `${goQuote(key)}:${goSyntax(value[key] ?? null)}`);
    return `map[string]interface {}{${members.join(', ')}}`;
  }
  return typeof value === 'string' ? goQuote(value) : goValue(value);
}

/** `%T` of any decoded JSON value. */
export function goType(value: Json): string {
  if (value === null) return '<nil>';
  if (isJsonArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
