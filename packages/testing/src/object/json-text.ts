/** JSON text as Go reads it: with its words for what is wrong, and with the fields that a text has twice. */
import { isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, MutableJsonObject } from './json.js';

export interface JsonText {
  readonly value: Json;
  /** Paths as `spec.list[0].name`, one for each repetition, in the order of the text. */
  readonly duplicates: readonly string[];
}

export interface ReadJsonOptions {
  /** Of a field that comes twice, objects are put together, as Go does where it knows their type. @defaultValue false: the last one counts */
  readonly merge?: boolean;
  /** How the text was made from bytes, which messages are about. @defaultValue 'utf8' */
  readonly encoding?: 'utf8' | 'latin1';
}

/** Text that is no JSON; the message is Go's. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** @throws JsonSyntaxError */
export function readJson(text: string, options: ReadJsonOptions = {}): JsonText {
  const reader = new Reader(text, options);
  return { value: reader.document(), duplicates: reader.duplicates };
}

const literals: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
/** What a number may be at each point of it; the text says what Go was looking for. */
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const space = /[ \t\r\n]*/y;
// oxlint-disable-next-line no-control-regex
const plain = /[^"\\\u0000-\u001f]*/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class Reader {
  readonly duplicates: string[] = [];
  readonly #text: string;
  readonly #merge: boolean;
  readonly #encoding: 'utf8' | 'latin1';
  #at = 0;

  constructor(text: string, { merge = false, encoding = 'utf8' }: ReadJsonOptions) {
    this.#text = text;
    this.#merge = merge;
    this.#encoding = encoding;
  }

  document(): Json {
    const value = this.#value('');
    this.#skip(space);
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    return value;
  }

  #value(path: string): Json {
    this.#skip(space);
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(path);
    if (first === '[') return this.#array(path);
    if (first === '"') return this.#string();
    if (first !== undefined && /[-\d]/.test(first)) return this.#number();
    for (const [word, value] of literals) if (first === word[0]) return this.#literal(word, value);
    throw this.#unexpected('looking for beginning of value');
  }

  #object(path: string): Json {
    const object: MutableJsonObject = {};
    this.#at += 1;
    if (this.#take('}')) return object;
    do {
      this.#skip(space);
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      if (!this.#take(':')) throw this.#unexpected('after object key');
      this.#field(object, key, path === '' ? key : `${path}.${key}`);
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#unexpected('after object key:value pair');
    return object;
  }

  #field(object: MutableJsonObject, key: string, path: string): void {
    const before = Object.hasOwn(object, key) ? object[key] : undefined;
    if (before !== undefined) this.duplicates.push(path);
    const value = this.#value(path);
    setKey(object, key, this.#merge && before !== undefined ? merged(before, value) : value);
  }

  #array(path: string): Json {
    const array: Json[] = [];
    this.#at += 1;
    if (this.#take(']')) return array;
    do array.push(this.#value(`${path}[${array.length}]`));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#unexpected('after array element');
    return array;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    for (;;) {
      this.#skip(plain);
      const next = this.#text[this.#at];
      if (next === '"') break;
      if (next !== '\\') throw this.#unexpected('in string literal');
      if (!this.#skip(escape)) {
        this.#at += 1;
        throw this.#unexpected('in string escape code');
      }
    }
    this.#at += 1;
    const quoted = this.#text.slice(start, this.#at);
    return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  }

  #number(): number {
    const start = this.#at;
    if (!this.#skip(number)) {
      this.#at += 1;
      throw this.#unexpected('in numeric literal');
    }
    const next = this.#text[this.#at];
    if (next === '.' || next === 'e' || next === 'E') {
      this.#at += 1;
      throw this.#unexpected(
        next === '.' ? 'after decimal point in numeric literal' : 'in exponent of numeric literal',
      );
    }
    return Number(this.#text.slice(start, this.#at));
  }

  #literal(word: string, value: Json): Json {
    for (let i = 1; i < word.length; i++) {
      this.#at += 1;
      if (this.#text[this.#at] !== word[i]) {
        throw this.#unexpected(`in literal ${word} (expecting ${quoteCharacter(word[i] ?? '')})`);
      }
    }
    this.#at += 1;
    return value;
  }

  #take(character: string): boolean {
    this.#skip(space);
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #unexpected(place: string): JsonSyntaxError {
    const character = this.#text[this.#at];
    if (character === undefined) return new JsonSyntaxError('unexpected end of JSON input');
    // Go looks at bytes: of a character with several it names the first.
    const first = Buffer.from(character, this.#encoding)[0] ?? 0;
    return new JsonSyntaxError(`invalid character ${quoteCharacter(String.fromCharCode(first))} ${place}`);
  }
}

function merged(before: Json, value: Json): Json {
  if (!isJsonObject(before) || !isJsonObject(value) || isJsonArray(before)) return value;
  const result: MutableJsonObject = { ...before };
  for (const [key, item] of Object.entries(value)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    setKey(result, key, old === undefined ? item : merged(old, item));
  }
  return result;
}

function quoteCharacter(character: string): string {
  if (character === "'") return String.raw`'\''`;
  if (character === '"') return `'"'`;
  const code = character.charCodeAt(0);
  if (code === 0x7f) return String.raw`'\x7f'`;
  if (code >= 0x80 && code < 0xa1) return `'\\u${code.toString(16).padStart(4, '0')}'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
