import type { Extent } from './encoded-object.js';
import { ObjectScanner } from './object-scanner.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const NOTHING = Buffer.alloc(0);

/** A list without its items. */
export interface Envelope {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/**
 * Splits the JSON of a list into its items while it arrives. What is around them, the list's own metadata, may come before or
 * after: built-in kinds have it before, custom resources after.
 */
export class ListScanner {
  readonly #scanner = new ObjectScanner();
  /** The bytes from the start of an item that is not all there. */
  #partial: Buffer = NOTHING;
  #place: 'around' | 'betweenItems' | 'inItem' = 'around';
  /** One character a byte. */
  #around = '';
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** The items that end in this chunk. They lie in it, or in a copy of it. */
  push(chunk: Buffer): Extent[] {
    const items: Extent[] = [];
    const bytes = this.#partial.length > 0 ? Buffer.concat([this.#partial, chunk]) : chunk;
    let at = 0;
    while (at < bytes.length) {
      if (this.#place === 'inItem') {
        const end = this.#scanner.scan(bytes, at);
        if (end < 0) break;
        items.push({
          bytes,
          start: at,
          end,
          metadata: this.#scanner.metadata,
          managedFields: this.#scanner.managedFields,
        });
        this.#place = 'betweenItems';
        at = end;
      } else if (this.#place === 'betweenItems') at = this.#between(bytes, at);
      else at = this.#outside(bytes, at);
    }
    this.#partial = this.#place === 'inItem' ? bytes.subarray(at) : NOTHING;
    return items;
  }

  /** @throws SyntaxError when the list is no JSON or not all there */
  end(): Envelope {
    const text = Buffer.from(this.#around, 'latin1').toString('utf8');
    const envelope = JSON.parse(text) as (Partial<Envelope> & { readonly items?: unknown[] }) | null;
    const isList = typeof envelope?.metadata?.resourceVersion === 'string';
    // What was taken for no object is still there.
    if (!isList || envelope.items?.length) throw new SyntaxError('It is no list of objects');
    return envelope as Envelope;
  }

  #between(bytes: Buffer, at: number): number {
    const byte = bytes[at];
    if (byte === OPEN_OBJECT) {
      this.#scanner.reset();
      this.#place = 'inItem';
      return at;
    }
    if (byte !== CLOSE_ARRAY) {
      // Commas and blanks; anything else is no list of objects, and makes the rest fail to parse.
      if (byte !== 0x2c && (byte ?? 0) > 0x20) this.#around += String.fromCharCode(byte ?? 0);
      return at + 1;
    }
    this.#place = 'around';
    return at;
  }

  /** Takes what is around the items, up to the bracket that opens them. */
  #outside(bytes: Buffer, from: number): number {
    let at = from;
    let opensItems = false;
    while (at < bytes.length && !opensItems) opensItems = this.#step(bytes[at++] ?? 0, bytes, from, at);
    this.#around += bytes.toString('latin1', from, at);
    if (opensItems) this.#place = 'betweenItems';
    return at;
  }

  #step(byte: number, bytes: Buffer, from: number, at: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#depth -= 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      this.#depth += 1;
      return (
        byte === OPEN_ARRAY &&
        this.#depth === 2 &&
        /"items"\s*:\s*\[$/.test(this.#around + bytes.toString('latin1', from, at))
      );
    }
    return false;
  }
}
