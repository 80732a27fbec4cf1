/** Parts of the command lines of demos and their programs. Errors are sentences for the user. */

/** @throws TypeError */
export function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found) return found;
  throw new TypeError(`${flag} takes ${allowed.join(', ')}, not "${value}".`);
}

/** @throws TypeError */
export function wholeNumber(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new TypeError(`${flag} takes a number from 1 to ${most}, not "${text}".`);
}
