const VERSION = /^[1-9]\d*$/;

/** Whether token `a` is lower than `b`, as unsigned integers of any length. False where one of them is none. */
export function isLowerToken(a: string, b: string): boolean {
  return VERSION.test(a) && VERSION.test(b) && BigInt(a) < BigInt(b);
}
