/** Finds where an object ends, and where its metadata lies, in JSON whose bytes are still arriving. Parses nothing. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

const METADATA = Buffer.from('metadata');
const MANAGED_FIELDS = Buffer.from('managedFields');

/** So many bytes of a string are looked at one by one before the search for its end is left to native code: most are short. */
const SHORT_STRING = 24;

/** Part of an object's JSON, as offsets from the object's first byte; `from` is below 0 when there is none. */
export interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/**
 * Scans one object at a time. Takes the brackets and strings of JSON for granted and looks at nothing else: whoever parses what it
 * finds learns whether the rest is in order.
 */
export class ObjectScanner {
  #at = 0;
  #depth = 0;
  #inString = false;
  /** The last string that began in the object itself or in its metadata: the name of the value that opens after it. */
  #name = 0;
  #nameEnd = 0;
  #metadata = -1;
  #metadataEnd = -1;
  #managedFields = -1;
  #managedFieldsEnd = -1;

  /** The value of `metadata`. */
  get metadata(): Range {
    return { from: this.#metadata, to: this.#metadataEnd };
  }

  /** The member `managedFields` of the metadata, name included, commas not. */
  get managedFields(): Range {
    return { from: this.#managedFields, to: this.#managedFieldsEnd };
  }

  /** Forgets the object before. */
  reset(): void {
    this.#at = 0;
    this.#depth = 0;
    this.#inString = false;
    this.#metadata = this.#metadataEnd = -1;
    this.#managedFields = this.#managedFieldsEnd = -1;
  }

  /**
   * Goes on where it stopped. `bytes` has the object from `start` on, also the part that was scanned before.
   * Returns the offset behind the object in `bytes`, or -1 when it is not all there.
   */
  scan(bytes: Buffer, start: number): number {
    const end = bytes.length;
    let at = start + this.#at;
    let depth = this.#depth;
    while (at < end) {
      if (this.#inString) {
        at = endOfString(bytes, at);
        if (at < 0) {
          this.#at = -at - start;
          this.#depth = depth;
          return -1;
        }
        this.#inString = false;
        if (depth <= 2) this.#nameEnd = at - 1 - start;
        continue;
      }
      const byte = bytes[at++];
      if (byte === QUOTE) {
        this.#inString = true;
        if (depth <= 2) this.#name = at - start;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth += 1;
        if (depth <= 3) this.#opened(bytes, start, at - 1 - start, depth);
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth -= 1;
        if (depth <= 2) this.#closed(at - start, depth);
        if (depth === 0) return at;
      }
    }
    this.#at = at - start;
    this.#depth = depth;
    return -1;
  }

  #opened(bytes: Buffer, start: number, offset: number, depth: number): void {
    if (depth === 2 && this.#metadata < 0 && this.#isNamed(bytes, start, METADATA)) this.#metadata = offset;
    const isInMetadata = this.#metadata >= 0 && this.#metadataEnd < 0;
    if (depth === 3 && isInMetadata && this.#isNamed(bytes, start, MANAGED_FIELDS))
      this.#managedFields = this.#name - 1;
  }

  #closed(offset: number, depth: number): void {
    if (depth === 1 && this.#metadata >= 0 && this.#metadataEnd < 0) this.#metadataEnd = offset;
    if (depth === 2 && this.#managedFields >= 0 && this.#managedFieldsEnd < 0)
      this.#managedFieldsEnd = offset;
  }

  #isNamed(bytes: Buffer, start: number, name: Buffer): boolean {
    const from = start + this.#name;
    const to = start + this.#nameEnd;
    return to - from === name.length && bytes.compare(name, 0, name.length, from, to) === 0;
  }
}

/** The offset behind the closing quote; when that is not there, minus the offset to go on from. */
function endOfString(bytes: Buffer, from: number): number {
  const end = bytes.length;
  const near = Math.min(end, from + SHORT_STRING);
  let at = from;
  while (at < near) {
    const byte = bytes[at++];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  while (at < end) {
    const quote = bytes.indexOf(QUOTE, at);
    const stop = quote < 0 ? end : quote;
    const isEscaped = backslashesBefore(bytes, stop, at) % 2 === 1;
    if (quote < 0) return -(isEscaped ? end + 1 : end);
    at = quote + 1;
    if (!isEscaped) return at;
  }
  return -at;
}

/** How many there are in a row right before `at`, but not before `from`. */
function backslashesBefore(bytes: Buffer, at: number, from: number): number {
  let first = at;
  while (first > from && bytes[first - 1] === BACKSLASH) first -= 1;
  return at - first;
}
