/**
 * What decoding an object into a built-in kind finds: the first value of a wrong type, and the fields that the kind
 * does not have.
 */
import { goNumber } from './go-format.js';
import { parseTime } from './go-time.js';
import type { TimeFormat } from './go-time.js';
import { isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { goTypeName } from './merge-patch.js';
import { isOmittedZero } from './omitted-zeroes.js';
import { referenceOf, resolve } from './schema.js';
import type { GroupVersionKind, Schema } from './schema.js';
import { badRequest, invalid } from './status.js';
import type { StatusError } from './status.js';
import { fieldInvalid } from './field-error.js';
import { isAlwaysWritten } from './zero-values.js';

export interface Decoded {
  /** The object as the server understood it: without unknown fields, nulls and empty maps and lists, timestamps in UTC. */
  readonly object: JsonObject;
  /** One message a field in the order of the document, as `unknown field "spec.foo"`. */
  readonly unknown: readonly string[];
  /** The first value that does not fit its type, in the server's words; the object is not to be used then. */
  readonly problem: string | undefined;
}

/**
 * How the server got hold of the object, which decides the words of a type problem: from JSON text (POST, PUT, JSON
 * patch, merge patch), or from a map (strategic merge patch).
 */
export type DecodedFrom = 'json' | 'map';

export function decodeBuiltIn(object: JsonObject, schema: Schema, from: DecodedFrom = 'json'): Decoded {
  const decoder = new Decoder(from);
  const root: Place = { struct: '', path: '', display: '' };
  const decoded = decoder.decode(object, schema, root);
  return { object: isJsonObject(decoded) ? decoded : {}, unknown: decoder.unknown, problem: decoder.problem };
}

/** 400: a body that the server cannot decode, for `detail` or because fieldValidation is Strict. */
export function cannotBeHandled({ version, kind }: GroupVersionKind, detail: string): StatusError {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${detail}`);
}

/** The detail for unknown or duplicate fields under fieldValidation=Strict. */
export function strictDecodingError(messages: readonly string[]): string {
  return `strict decoding error: ${messages.join(', ')}`;
}

/** 422: the result of a patch that cannot be decoded. `patched` is the whole object as JSON, or the patch as `%v`. */
export function patchCannotBeDecoded(patched: string, detail: string): StatusError {
  return invalid({ group: '', kind: '' }, '', [fieldInvalid('patch', patched, detail)]);
}

/** Where a value stands: `path` leaves out indices and keys of maps, as Go's messages do; `display` has them. */
interface Place {
  readonly struct: string;
  readonly path: string;
  readonly display: string;
}

type GoKind =
  | 'any'
  | 'struct'
  | 'map'
  | 'slice'
  | 'bytes'
  | 'string'
  | 'int'
  | 'float'
  | 'bool'
  | TimeFormat
  | 'intOrString'
  | 'quantity';

class Decoder {
  readonly unknown: string[] = [];
  problem: string | undefined;

  constructor(readonly from: DecodedFrom) {}

  decode(value: Json, schema: Schema, place: Place): Json {
    const node = resolve(schema);
    switch (goKind(schema, node)) {
      case 'any':
        return value;
      case 'struct':
        return isJsonObject(value)
          ? this.#struct(value, schema, node, place)
          : this.#mismatch(value, schema, place);
      case 'map':
        return isJsonObject(value) ? this.#map(value, node, place) : this.#mismatch(value, schema, place);
      case 'slice':
        return isJsonArray(value) ? this.#slice(value, node, place) : this.#mismatch(value, schema, place);
      case 'bytes':
        return this.#bytes(value, schema, place);
      case 'Time':
        return this.#time(value, 'Time', place);
      case 'MicroTime':
        return this.#time(value, 'MicroTime', place);
      case 'quantity':
        return this.#quantity(value);
      case 'intOrString':
        return this.#intOrString(value, schema, place);
      case 'string':
        return typeof value === 'string' ? value : this.#mismatch(value, schema, place);
      case 'bool':
        return typeof value === 'boolean' ? value : this.#mismatch(value, schema, place);
      case 'float':
        return typeof value === 'number' ? value : this.#mismatch(value, schema, place);
      case 'int':
        return fitsInteger(value, node) ? value : this.#mismatch(value, schema, place);
    }
  }

  #struct(value: JsonObject, schema: Schema, node: Schema, place: Place): JsonObject {
    const struct = (referenceOf(schema) ?? '').split('.').at(-1) ?? '';
    const result: MutableJsonObject = {};
    for (const [key, item] of Object.entries(value)) {
      const display = place.display === '' ? key : `${place.display}.${key}`;
      const field = node.properties?.[key];
      if (field === undefined || !Object.hasOwn(node.properties ?? {}, key)) {
        this.unknown.push(`unknown field "${display}"`);
      } else if (item !== null) {
        const path = place.path === '' ? key : `${place.path}.${key}`;
        const decoded = this.decode(item, field, { struct, path, display });
        const required = node.required?.includes(key) === true || isAlwaysWritten(schema, key);
        if (!isOmitted(decoded, field, required) && !isOmittedZero(struct, key, decoded))
          setKey(result, key, decoded);
      }
    }
    return result;
  }

  #map(value: JsonObject, node: Schema, place: Place): JsonObject {
    const items = typeof node.additionalProperties === 'object' ? node.additionalProperties : {};
    const result: MutableJsonObject = {};
    for (const [key, item] of Object.entries(value)) {
      const below = { ...place, display: `${place.display}.${key}` };
      setKey(result, key, item === null ? zeroOf(items) : this.decode(item, items, below));
    }
    return result;
  }

  #slice(value: readonly Json[], node: Schema, place: Place): readonly Json[] {
    const items = node.items ?? {};
    return value.map((item, index) =>
      item === null
        ? zeroOf(items)
        : this.decode(item, items, { ...place, display: `${place.display}[${index}]` }),
    );
  }

  #bytes(value: Json, schema: Schema, place: Place): Json {
    if (typeof value !== 'string') return this.#mismatch(value, schema, place);
    const text = value.replaceAll(/[\r\n]/g, '');
    const bad = badBase64(text);
    if (bad !== undefined) this.#report(`illegal base64 data at input byte ${bad}`);
    return text;
  }

  #time(value: Json, format: TimeFormat, place: Place): Json {
    if (typeof value !== 'string') return this.#report(jsonMismatch(value, 'string', place));
    const { normal, problem } = parseTime(value, format);
    return problem === undefined ? (normal ?? value) : this.#report(problem);
  }

  #quantity(value: Json): Json {
    if (typeof value === 'number') return goNumber(value);
    if (
      typeof value === 'string' &&
      /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(value)
    )
      return value;
    return this.#report(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }

  #intOrString(value: Json, schema: Schema, place: Place): Json {
    if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))) return value;
    return this.#report(jsonMismatch(value, 'int32', { ...place, struct: place.struct || goTypeOf(schema) }));
  }

  #mismatch(value: Json, schema: Schema, place: Place): Json {
    return this.#report(
      this.from === 'json' ? jsonMismatch(value, goTypeOf(schema), place) : mapMismatch(value, schema),
    );
  }

  #report(problem: string): null {
    this.problem ??= problem;
    return null;
  }
}

function jsonMismatch(value: Json, type: string, { struct, path }: Place): string {
  const isNumeric = /^(u?int|float)/.test(type) && typeof value === 'number';
  const found = isNumeric ? `number ${goNumber(value)}` : goTypeName(value);
  return `json: cannot unmarshal ${found} into Go struct field ${struct}.${path} of type ${type}`;
}

function mapMismatch(value: Json, schema: Schema): string {
  const kind = goKind(schema, resolve(schema));
  const found = reflectKind(value);
  if (kind === 'struct') return `cannot restore struct from: ${found}`;
  if (kind === 'map') return `cannot restore map from ${found}`;
  if (kind === 'slice' || kind === 'bytes') return `cannot restore slice from ${found}`;
  if (kind === 'string' && found === 'int64') return 'cannot convert int64 to string';
  return `unrecognized type: ${goTypeOf(schema)}`;
}

function reflectKind(value: Json): string {
  if (isJsonArray(value)) return 'slice';
  if (isJsonObject(value)) return 'map';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

const kindsByName: Readonly<Record<string, GoKind>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'MicroTime',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'Time',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'intOrString',
};

function goKind(schema: Schema, node: Schema): GoKind {
  const known = kindsByName[referenceOf(schema) ?? ''];
  if (known !== undefined) return known;
  switch (node.type ?? '') {
    case 'object':
      if (node.properties !== undefined) return 'struct';
      return node.additionalProperties === undefined ? 'any' : 'map';
    case 'array':
      return 'slice';
    case 'string':
      return node.format === 'byte' ? 'bytes' : 'string';
    case 'integer':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
    default:
      return 'any';
  }
}

/** The type as Go's messages print it: `[]v1.Container`, `map[string]string`, `int32`. */
function goTypeOf(schema: Schema): string {
  const node = resolve(schema);
  const kind = goKind(schema, node);
  const values = node.additionalProperties;
  if (kind === 'map') return `map[string]${typeof values === 'object' ? goTypeOf(values) : 'interface {}'}`;
  if (kind === 'slice') return `[]${goTypeOf(node.items ?? {})}`;
  if (kind === 'int') return node.format ?? 'int64';
  return plainTypes[kind] ?? (referenceOf(schema) ?? 'interface {}').split('.').slice(-2).join('.');
}

const plainTypes: Readonly<Partial<Record<GoKind, string>>> = {
  bool: 'bool',
  bytes: '[]uint8',
  float: 'float64',
  string: 'string',
};

function zeroOf(schema: Schema): Json {
  return zeroes[goKind(schema, resolve(schema))] ?? null;
}

const zeroes: Readonly<Partial<Record<GoKind, Json>>> = {
  bool: false,
  bytes: '',
  float: 0,
  int: 0,
  string: '',
  struct: {},
};

function fitsInteger(value: Json, node: Schema): boolean {
  if (typeof value !== 'number' || !Number.isInteger(value)) return false;
  return node.format !== 'int32' || (value >= -(2 ** 31) && value < 2 ** 31);
}

/** Empty maps and lists are not stored, unless the field is required. */
function isOmitted(value: Json, schema: Schema, required: boolean): boolean {
  if (required) return false;
  if (isJsonArray(value)) return value.length === 0;
  const isMap = isJsonObject(value) && goKind(schema, resolve(schema)) === 'map';
  return isMap && Object.keys(value).length === 0;
}

/** The offset of the first byte that standard base64 does not allow there. */
function badBase64(text: string): number | undefined {
  const good = /^[A-Za-z0-9+/]*/.exec(text)?.[0].length ?? 0;
  const padding = text.slice(good);
  if (padding === '' || /^={1,2}$/.test(padding))
    return text.length % 4 === 0 ? undefined : text.length - (text.length % 4);
  return good;
}
