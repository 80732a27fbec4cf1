import type { KubernetesObject, ObjectMeta } from '../api/object.js';
import { apiVersionOf, type Resource } from '../api/resource.js';
import { ObjectScanner, type Range } from './object-scanner.js';

const COMMA = 0x2c;
const NULL = Buffer.from('null');

/** Where an object lies in what was received, and its parts in it. */
export interface Extent {
  readonly bytes: Buffer;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Offsets from `start`. */
  readonly metadata: Range;
  readonly managedFields: Range;
}

/**
 * An object as it came: parsed, so that it is known to be in order, and still as bytes, for whoever keeps it as those.
 * Holds the whole chunk in which it came: not to be kept.
 */
export class EncodedObject<T extends KubernetesObject = KubernetesObject> {
  /** Without `managedFields`: they are often half of an object, and dropped before they cost any parsing. */
  readonly object: T;
  readonly #extent: Extent;
  readonly #resource: Resource<T>;

  /** @throws SyntaxError when it is no JSON */
  constructor(extent: Extent, resource: Resource<T>) {
    this.#extent = extent;
    this.#resource = resource;
    this.object = typed<T>(this.#parse(withComma(extent)), resource);
  }

  get metadata(): ObjectMeta {
    return this.object.metadata;
  }

  /** The object anew, with its managedFields. */
  whole(): T {
    return typed<T>(this.#parse({ from: 0, to: 0 }), this.#resource);
  }

  /** Bytes that {@link copyRest} needs. */
  get restLength(): number {
    const { start, end, metadata } = this.#extent;
    return end - start - (metadata.to - metadata.from) + NULL.length;
  }

  /** Copies the JSON of the object with `null` in place of its metadata. */
  copyRest(target: Buffer, offset: number): void {
    const { bytes, start, end, metadata } = this.#extent;
    bytes.copy(target, offset, start, start + metadata.from);
    NULL.copy(target, offset + metadata.from);
    bytes.copy(target, offset + metadata.from + NULL.length, start + metadata.to, end);
  }

  #parse(gap: Range): unknown {
    const { bytes, start, end } = this.#extent;
    if (gap.to <= gap.from) return JSON.parse(bytes.toString('utf8', start, end));
    const before = bytes.toString('utf8', start, start + gap.from);
    return JSON.parse(before + bytes.toString('utf8', start + gap.to, end));
  }
}

/** What {@link EncodedObject.copyRest} wrote, together with the metadata that were left out of it. */
export function decodeRest<T extends KubernetesObject>(
  json: string,
  metadata: ObjectMeta,
  resource: Resource<T>,
): T {
  const object = typed<T>(JSON.parse(json), resource);
  object.metadata = metadata;
  return object;
}

/** An object as it would come from a server. */
export function encode<T extends KubernetesObject>(object: T, resource: Resource<T>): EncodedObject<T> {
  const bytes = Buffer.from(JSON.stringify(object));
  return new EncodedObject(extentOf(new ObjectScanner(), bytes, 0), resource);
}

/** @throws SyntaxError when the object doesn't end with the bytes */
export function extentOf(scanner: ObjectScanner, bytes: Buffer, start: number): Extent {
  scanner.reset();
  const end = scanner.scan(bytes, start);
  if (end < 0) throw new SyntaxError('An object that does not end');
  return { bytes, start, end, metadata: scanner.metadata, managedFields: scanner.managedFields };
}

/** Items of a list come without the two fields that every object has. */
function typed<T extends KubernetesObject>(value: unknown, resource: Resource): T {
  return Object.assign(value as T, { apiVersion: apiVersionOf(resource), kind: resource.kind });
}

/** One of the commas beside a member goes with it. */
function withComma({ bytes, start, managedFields: { from, to } }: Extent): Range {
  if (from < 0) return { from, to };
  let after = to;
  while (isBlank(bytes[start + after])) after += 1;
  if (bytes[start + after] === COMMA) return { from, to: after + 1 };
  let before = from - 1;
  while (isBlank(bytes[start + before])) before -= 1;
  return bytes[start + before] === COMMA ? { from: before, to } : { from, to };
}

function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && byte <= 0x20;
}
