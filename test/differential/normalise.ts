/**
 * Makes the bodies of two servers comparable: what each chooses freely (uids, versions, times, generated names, messages) is
 * replaced, so that only which of them are the same remains.
 */
import type { Json, JsonObject } from '../conformance/raw-http.js';
import { isObject } from './changes.js';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const generated = /^(gen-|Bad_z)[a-z]-[a-z0-9]{5}$/;
const times = new Set(['creationTimestamp', 'deletionTimestamp', 'time']);

/** Of one sequence on one server: a uid or version keeps its number throughout. */
export class Normaliser {
  readonly #numbers = new Map<string, Map<string, number>>();

  body(body: JsonObject): Json {
    return this.#value(body['kind'] === 'Status' ? withoutMessages(body) : body);
  }

  #value(value: Json): Json {
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.#value(item));
    if (isObject(value)) return this.#object(value);
    return typeof value === 'string' ? this.#text(value) : value;
  }

  #object(object: JsonObject): JsonObject {
    const isList = Array.isArray(object['items']);
    const keys = Object.keys(object).sort();
    return Object.fromEntries(keys.map((key) => [key, this.#field(key, object[key] ?? null, isList)]));
  }

  #field(key: string, value: Json, inList: boolean): Json {
    // A list's own version counts the writes of everybody.
    if (key === 'metadata' && inList && isObject(value)) return this.#object(withoutVersion(value));
    if (key === 'continue') return '*';
    if (times.has(key) && typeof value === 'string') return '*';
    if (key === 'resourceVersion' && typeof value === 'string') return this.#number('version', value);
    if (key === 'managedFields' && Array.isArray(value)) return this.#owners(value as readonly Json[]);
    return this.#value(value);
  }

  /** Sorted, since their order depends on the second in which each was written. */
  #owners(entries: readonly Json[]): Json {
    return entries.map((entry) => this.#value(entry)).sort(byText);
  }

  #text(text: string): string {
    if (uuid.test(text)) return this.#number('uid', text);
    return generated.test(text) ? this.#number('name', text) : text;
  }

  #number(of: string, value: string): string {
    if (value === '' || value === '0') return value;
    const numbers = this.#numbers.get(of) ?? new Map<string, number>();
    this.#numbers.set(of, numbers);
    const number = numbers.get(value) ?? numbers.size + 1;
    numbers.set(value, number);
    return `${of} ${number}`;
  }
}

function withoutVersion({ resourceVersion: _version, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** What a failure says in words is left out; its reason, fields and names are not. */
function withoutMessages(status: JsonObject): JsonObject {
  const { message: _message, details, ...rest } = status;
  if (!isObject(details)) return rest;
  const causes = details['causes'];
  if (!Array.isArray(causes)) return { ...rest, details };
  const quiet = (causes as readonly JsonObject[]).map(({ message: _message, ...cause }) => cause);
  return { ...rest, details: { ...details, causes: quiet.sort(byText) } };
}

function byText(left: Json | JsonObject, right: Json | JsonObject): number {
  const [a, b] = [JSON.stringify(left), JSON.stringify(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}
