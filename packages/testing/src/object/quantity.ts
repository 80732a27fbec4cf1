/** Amounts with a unit, as `500m`, `1.5Gi` or `2e3`, to be compared. */

const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimal: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const form = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([KMGTPE]i)|([numkMGTPE]?)|[eE]([+-]?\d+))$/;
const nano = 9;

export class Quantity {
  static readonly zero = new Quantity(0n);
  readonly #nanos: bigint;

  private constructor(nanos: bigint) {
    this.#nanos = nanos;
  }

  /** Undefined for text that is no quantity; what is smaller than a billionth is rounded up. */
  static parse(text: string): Quantity | undefined {
    const match = form.exec(text);
    if (match === null) return undefined;
    const [, sign, digits = '', power, unit, exponent] = match;
    const [whole = '', fraction = ''] = digits.split('.');
    const shift =
      nano + (exponent === undefined ? (decimal[unit ?? ''] ?? 0) : Number(exponent)) - fraction.length;
    const scaled = BigInt(`${whole}${fraction}`) * 1024n ** BigInt(binary.indexOf(power ?? ''));
    const nanos = shift >= 0 ? scaled * 10n ** BigInt(shift) : roundUp(scaled, 10n ** BigInt(-shift));
    return new Quantity(sign === '-' ? -nanos : nanos);
  }

  compareTo(other: Quantity): -1 | 0 | 1 {
    if (this.#nanos === other.#nanos) return 0;
    return this.#nanos < other.#nanos ? -1 : 1;
  }
}

function roundUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
