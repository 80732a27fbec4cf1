/** Writes ASN.1 values in DER: as much of it as a certificate needs. */

export function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return value(0x31, Buffer.concat(parts));
}

/** A non-negative integer of any length, most significant byte first. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : Buffer.from(bytes.subarray(first));
  const looksNegative = (digits[0] ?? 0) > 0x7f;
  return value(0x02, looksNegative ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

export function boolean(flag: boolean): Buffer {
  return value(0x01, Buffer.of(flag ? 0xff : 0));
}

export function octets(content: Uint8Array): Buffer {
  return value(0x04, content);
}

/** `unused`: how many bits at the end of the last byte don't count. */
export function bits(content: Uint8Array, unused = 0): Buffer {
  return value(0x03, Buffer.concat([Buffer.of(unused), content]));
}

export function text(content: string): Buffer {
  return value(0x0c, Buffer.from(content));
}

/** Whole seconds; years 1950 to 2049 only, as the type allows. */
export function utcTime(time: Date): Buffer {
  const digits = time.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return value(0x17, Buffer.from(`${digits}Z`));
}

/** An object identifier such as `'2.5.4.3'`. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return value(0x06, Buffer.concat([first * 40 + second, ...rest].map(base128)));
}

/** A value under a context-specific tag; `constructed` where it holds other values. */
export function tagged(tag: number, content: Uint8Array, constructed: boolean): Buffer {
  return value((constructed ? 0xa0 : 0x80) | tag, content);
}

function value(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag), length(content.length), content]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.of(size);
  const digits = Buffer.from(size.toString(16).padStart(size > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(0x80 | digits.length), digits]);
}

function base128(number: number): Buffer {
  const digits = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return Buffer.from(digits);
}
