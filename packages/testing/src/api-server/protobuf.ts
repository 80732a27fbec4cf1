/** Request bodies in protobuf, as kubectl and Go programs send built-in kinds; answers are always JSON. */
import type { Json, JsonObject, MutableJsonObject } from '../object/json.js';
import { isJsonArray, isJsonObject, setKey } from '../object/json.js';
import { badRequest } from '../object/status.js';
import { messages } from './protobuf-messages.js';

interface Field {
  readonly name: string;
  /** A letter for a scalar, `[]` or `{}` before what is held in a list or a map, `@` before a special form, else a message. */
  readonly type: string;
  /** The empty value of this field counts. */
  readonly keepsEmpty: boolean;
  readonly inline: boolean;
}

type Message = ReadonlyMap<number, Field>;

const magic = Buffer.from('k8s\u0000');
const packageOf: Readonly<Record<string, string>> = {
  '': 'core',
  apps: 'apps',
  batch: 'batch',
  'coordination.k8s.io': 'coordination',
  'events.k8s.io': 'events',
  policy: 'policy',
  'rbac.authorization.k8s.io': 'rbac',
  autoscaling: 'autoscaling',
  'authentication.k8s.io': 'authentication',
  'authorization.k8s.io': 'authorization',
};

export const protobufType = 'application/vnd.kubernetes.protobuf';

/**
 * The object in a protobuf body.
 *
 * @throws StatusError 400 for bytes that are no such object, or a kind that only JSON bodies may be of
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(magic))
    throw badRequest('the body of the request is no Kubernetes protobuf object');
  try {
    return decodeEnvelope(body.subarray(4));
  } catch (error) {
    if (error instanceof RangeError)
      throw badRequest(`the protobuf body of the request ends too early: ${error.message}`);
    throw error;
  }
}

function decodeEnvelope(body: Buffer): JsonObject {
  let type = { apiVersion: '', kind: '' };
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes } of new Reader(body).fields()) {
    if (number === 1) type = decodeType(bytes);
    if (number === 2) raw = bytes;
  }
  const name = messageName(type.apiVersion, type.kind);
  if (messages[name] === undefined) {
    throw badRequest(
      `the embedded API server reads ${type.apiVersion} ${type.kind} as JSON only, not as protobuf`,
    );
  }
  return { ...type, ...decodeMessage(raw, name) };
}

function decodeType(bytes: Buffer): { apiVersion: string; kind: string } {
  const parts = new Map(
    [...new Reader(bytes).fields()].map((field) => [field.number, field.bytes.toString()]),
  );
  return { apiVersion: parts.get(1) ?? '', kind: parts.get(2) ?? '' };
}

function messageName(apiVersion: string, kind: string): string {
  if (kind === 'DeleteOptions') return 'meta.DeleteOptions';
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return `${packageOf[group] ?? group}.${kind}`;
}

const parsed = new Map<string, Message>();

function messageOf(name: string): Message {
  let message = parsed.get(name);
  if (message === undefined) {
    const fields = (messages[name] ?? '').split(' ').filter((text) => text !== '');
    message = new Map(fields.map(parseField));
    parsed.set(name, message);
  }
  return message;
}

function parseField(text: string): readonly [number, Field] {
  const [number = '', name = '', rest = ''] = text.split(':');
  const type = rest.replace(/[!^]$/, '');
  return [Number(number), { name, type, keepsEmpty: rest.endsWith('!'), inline: rest.endsWith('^') }];
}

function decodeMessage(body: Buffer, name: string): JsonObject {
  const object: MutableJsonObject = {};
  const message = messageOf(name);
  for (const wire of new Reader(body).fields()) {
    const field = message.get(wire.number);
    if (field !== undefined) addField(object, field, wire);
  }
  return object;
}

function addField(object: MutableJsonObject, field: Field, wire: Wire): void {
  const { name, type } = field;
  if (field.inline) {
    Object.assign(object, decodeMessage(wire.bytes, type));
  } else if (type.startsWith('[]')) {
    const list = object[name];
    object[name] = [...(isJsonArray(list) ? list : []), decodeValue(type.slice(2), wire)];
  } else if (type.startsWith('{}')) {
    const map: MutableJsonObject = { ...(isJsonObject(object[name]) ? object[name] : {}) };
    addEntry(map, type.slice(2), wire.bytes);
    object[name] = map;
  } else {
    const value = decodeValue(type, wire);
    const empty = value === '' || value === 0 || value === false;
    if (!empty || field.keepsEmpty) object[name] = value;
  }
}

function addEntry(map: MutableJsonObject, type: string, bytes: Buffer): void {
  let key = '';
  let value: Json | undefined;
  for (const wire of new Reader(bytes).fields()) {
    if (wire.number === 1) key = wire.bytes.toString();
    if (wire.number === 2) value = decodeValue(type, wire);
  }
  setKey(map, key, value ?? emptyOf(type));
}

const emptyOf = (type: string): Json => (type === 'i' || type === 'f' ? 0 : type === 'b' ? false : '');

function decodeValue(type: string, wire: Wire): Json {
  switch (type) {
    case 's':
      return wire.bytes.toString();
    case 'b':
      return wire.number64 !== 0n;
    case 'i':
      return Number(BigInt.asIntN(64, wire.number64));
    case 'f':
      return wire.bytes.length === 8 ? wire.bytes.readDoubleLE() : 0;
    case 'y':
      return wire.bytes.toString('base64');
    default:
      return type.startsWith('@')
        ? decodeSpecial(type.slice(1), wire.bytes)
        : decodeMessage(wire.bytes, type);
  }
}

function decodeSpecial(type: string, bytes: Buffer): Json {
  const fields = [...new Reader(bytes).fields()];
  const bytesOf = (number: number): Buffer =>
    fields.find((field) => field.number === number)?.bytes ?? Buffer.alloc(0);
  const integer = (number: number): number =>
    Number(BigInt.asIntN(64, fields.find((field) => field.number === number)?.number64 ?? 0n));
  switch (type) {
    case 'Time':
    case 'MicroTime':
      return fields.length === 0
        ? null
        : formatInstant(integer(1), type === 'MicroTime' ? integer(2) : undefined);
    case 'Quantity':
      return bytesOf(1).toString();
    case 'IntOrString':
      return integer(1) === 1 ? bytesOf(3).toString() : integer(2);
    case 'Items':
      return fields.filter((field) => field.number === 1).map((field) => field.bytes.toString());
    case 'Raw':
      return bytesOf(1).length === 0 ? null : (JSON.parse(bytesOf(1).toString()) as Json);
    default:
      throw badRequest(`the embedded API server cannot read a protobuf ${type}`);
  }
}

function formatInstant(seconds: number, nanos: number | undefined): string {
  const time = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (nanos === undefined) return `${time}Z`;
  return `${time}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`;
}

interface Wire {
  readonly number: number;
  readonly number64: bigint;
  readonly bytes: Buffer;
}

const nothing = Buffer.alloc(0);

/** @throws RangeError if the bytes end within a field */
class Reader {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  *fields(): Generator<Wire> {
    while (this.#at < this.#body.length) {
      const tag = Number(this.#varint());
      yield { number: tag >>> 3, ...this.#value(tag & 7) };
    }
  }

  #value(wireType: number): Omit<Wire, 'number'> {
    switch (wireType) {
      case 0:
        return { number64: this.#varint(), bytes: nothing };
      case 1:
        return { number64: 0n, bytes: this.#take(8) };
      case 2:
        return { number64: 0n, bytes: this.#take(Number(this.#varint())) };
      case 5:
        return { number64: 0n, bytes: this.#take(4) };
      default:
        throw new RangeError(`wire type ${wireType} at ${this.#at}`);
    }
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#body[this.#at++];
      if (byte === undefined) throw new RangeError(`a number at ${this.#at}`);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`a number of more than ten bytes at ${this.#at}`);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#body.length) throw new RangeError(`${length} bytes at ${this.#at}`);
    const bytes = this.#body.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
