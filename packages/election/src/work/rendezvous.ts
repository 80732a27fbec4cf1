/**
 * Rendezvous hashing: each item has an order of preference among the members that depends on nothing but their names and
 * capacities, so that everybody computes the same, and that a member which comes or goes changes only what concerns it.
 *
 * @see Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998); weights: Schindelhauer and Schomaker (2005)
 */

/** How much `item` belongs to `member`. A member of twice the weight is the first choice of twice as many items. */
export function affinity(item: string, member: string, weight: number): number {
  const uniform = (mix(hash(item) ^ Math.imul(hash(member), 0x9e3779b1)) + 0.5) / 2 ** 32;
  return weight / -Math.log(uniform);
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return mix(value);
}

/** The finaliser of MurmurHash3: each bit depends on all. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
