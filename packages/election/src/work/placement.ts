/** Who gets which item: pure functions. The cost for an item depends on the number of members, not of items. */
import { affinity } from './rendezvous.js';
import { memberOf } from './session.js';

/** A session that takes work. */
export interface Member {
  readonly session: string;
  /** How many items it takes at a time. Zero: none any more. */
  readonly capacity: number;
}

/**
 * How many of `total` items each member may have so that all are equally busy for their capacity; never above that.
 * Together the shares have room for all items, if the capacities have.
 */
export function fairShares(members: readonly Member[], total: number): (member: Member) => number {
  const room = members.reduce((sum, { capacity }) => sum + capacity, 0);
  return ({ capacity }) => (total >= room ? capacity : Math.ceil((total * capacity) / room));
}

/**
 * Of the members that have less than their fair share the one to which the item belongs most. Undefined when nobody has room:
 * then it waits. `total`: the items that members have and those that wait, this one included.
 *
 * @see Mirrokni, Thorup, Zadimoghaddam, "Consistent hashing with bounded loads" (2016)
 */
export function place(
  item: string,
  members: readonly Member[],
  { load, total }: { readonly load: (session: string) => number; readonly total: number },
): Member | undefined {
  const share = fairShares(members, total);
  return favourite(
    item,
    members.filter((member) => load(member.session) < share(member)),
  );
}

/**
 * What to take from its members so that nobody has more than a fair share: as few as that takes, and those that belong least to
 * where they are. `held`: the items of each session; `unheld`: how many more there are to share.
 */
export function surplus(
  members: readonly Member[],
  held: ReadonlyMap<string, readonly string[]>,
  unheld: number,
): string[] {
  const itemsOf = ({ session }: Member): readonly string[] => held.get(session) ?? [];
  const total = members.reduce((sum, member) => sum + itemsOf(member).length, unheld);
  const share = fairShares(members, total);
  const takers = members.filter((member) => itemsOf(member).length < share(member));
  return members.flatMap((member) =>
    leastAttached(itemsOf(member), member, takers).slice(
      0,
      Math.max(itemsOf(member).length - share(member), 0),
    ),
  );
}

function leastAttached(items: readonly string[], owner: Member, takers: readonly Member[]): string[] {
  const pull = (item: string): number =>
    Math.max(0, ...takers.map((taker) => scoreOf(item, taker))) / scoreOf(item, owner);
  return items
    .map((item) => ({ item, pull: pull(item) }))
    .toSorted((a, b) => b.pull - a.pull || (a.item < b.item ? -1 : 1))
    .map(({ item }) => item);
}

function favourite(item: string, members: readonly Member[]): Member | undefined {
  let best: { readonly member: Member; readonly score: number } | undefined;
  for (const member of members) {
    const score = scoreOf(item, member);
    if (!best || score > best.score || (score === best.score && member.session < best.member.session))
      best = { member, score };
  }
  return best?.member;
}

/** By the member's name: a later session of the same member is offered the same items. */
function scoreOf(item: string, { session, capacity }: Member): number {
  return affinity(item, memberOf(session), Math.max(capacity, Number.MIN_VALUE));
}
