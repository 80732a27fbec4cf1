/** A source of chance: everything that jitters or names things at random is handed one. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };

/** `length` lower-case letters and digits. For names that must differ, not for secrets. */
export function randomSuffix(random: Random, length: number): string {
  return Array.from({ length }, () => Math.floor(random.next() * 36).toString(36)).join('');
}
