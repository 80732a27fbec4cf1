/** The order of a merged list: what the patch asks for first, and the rest where it stood before. */
import { deepEqual } from './equal.js';
import type { Json } from './json.js';

export interface Interleaving {
  readonly merged: { readonly items: readonly Json[] };
  /** Items named here come in this order. */
  readonly first: readonly Json[];
  /** The list as it was: its order holds for all others. */
  readonly live: readonly Json[];
  /** What tells items apart. */
  readonly identify: (item: Json) => Json;
}

/** Sorts the items of both kinds, then puts each of the others before the first item that stood behind it. */
export function interleave({ merged, first, live, identify }: Interleaving): readonly Json[] {
  const indexIn = (list: readonly Json[], item: Json): number =>
    list.findIndex((other) => deepEqual(identify(other), identify(item)));
  const named = merged.items.filter((item) => indexIn(first, item) >= 0);
  const others = merged.items.filter((item) => indexIn(first, item) < 0);
  const sorted = named.toSorted((a, b) => indexIn(first, a) - indexIn(first, b));
  const result: Json[] = [];
  for (const item of sorted) {
    const at = indexIn(live, item);
    while (others.length > 0 && at >= 0) {
      const [other] = others;
      const was = other === undefined ? -1 : indexIn(live, other);
      if (other === undefined || was < 0 || was > at) break;
      result.push(other);
      others.shift();
    }
    result.push(item);
  }
  return [...result, ...others];
}
