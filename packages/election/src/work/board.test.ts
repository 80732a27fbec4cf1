import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type WorkItem, UNASSIGNED } from './assignment.js';
import { Board, type Move } from './board.js';
import { type Member, fairShares, place } from './placement.js';
import { affinity } from './rendezvous.js';

let version = 0;

function item(
  id: string,
  assignment: Partial<WorkItem<null>['assignment']> = {},
  done = false,
): WorkItem<null> {
  return {
    id,
    idempotencyKey: `uid-${id}`,
    version: String(++version),
    done,
    assignment: { ...UNASSIGNED, ...assignment },
    value: null,
  };
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `ns/item-${index}`);
const member = (name: string, capacity: number): Member => ({ session: `${name}.0`, capacity });

/** A server on which every write succeeds, and members that give back at once what they are asked for. */
class World {
  readonly items = new Map<string, WorkItem<null>>();
  readonly board = new Board<null>();
  moves: Move<null>[] = [];

  add(...names: string[]): this {
    for (const id of names) this.store(item(id));
    return this;
  }

  store(next: WorkItem<null>): void {
    this.items.set(next.id, next);
    this.board.hear({ type: 'changed', item: next });
  }

  members(...members: Member[]): this {
    this.board.setMembers(members);
    return this;
  }

  /** Does what the board wants until it wants nothing more, and returns that. */
  settle(): Move<null>[] {
    this.moves = [];
    for (let move = this.board.next(); move; move = this.board.next()) {
      this.moves.push(move);
      const written = item(move.item.id, move.assignment);
      this.items.set(written.id, written);
      this.board.moved(written.id, written);
      if (move.assignment.revoked) this.store(item(move.item.id, { epoch: move.assignment.epoch }));
    }
    return this.moves;
  }

  load(session: string): number {
    return [...this.items.values()].filter(({ done, assignment }) => !done && assignment.session === session)
      .length;
  }
}

const members = fc
  .uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) => fc.integer({ min: 1, max: 12 }).map((capacity) => member(`m${name}`, capacity))),
    ),
  );
const count = fc.integer({ min: 0, max: 60 });

describe('assignments', () => {
  test('nobody gets more than a fair share of what there is, nor more than its capacity, and nothing waits while there is room', () => {
    fc.assert(
      fc.property(members, count, (group, many) => {
        const world = new World().add(...ids(many)).members(...group);
        world.settle();
        const room = group.reduce((sum, { capacity }) => sum + capacity, 0);
        const share = fairShares(group, many);
        for (const each of group) {
          expect(world.load(each.session)).toBeLessThanOrEqual(Math.min(share(each), each.capacity));
        }
        expect(world.board.waiting).toBe(Math.max(many - room, 0));
      }),
    );
  });

  test('a member that leaves moves its own items and no others, at most as many as there is room for', () => {
    fc.assert(
      fc.property(members, count, fc.nat(), (group, many, pick) => {
        const world = new World().add(...ids(many)).members(...group);
        world.settle();
        const leaver = group[pick % group.length] as Member;
        const others = group.filter((each) => each !== leaver);
        const before = new Map(world.items);
        world.members(...others).board.endSession(leaver.session);
        for (const { item: moved } of world.settle()) {
          expect([leaver.session, undefined]).toContain(before.get(moved.id)?.assignment.session);
        }
        expect(world.moves.every(({ assignment }) => !assignment.revoked)).toBe(true);
      }),
    );
  });

  test('for a member that joins just what others then have too much of is asked back, and goes to who has less', () => {
    fc.assert(
      fc.property(members, count, fc.integer({ min: 1, max: 12 }), (group, many, capacity) => {
        const world = new World().add(...ids(many)).members(...group);
        world.settle();
        const joined = [...group, member('new', capacity)];
        const shared = joined.reduce((sum, { session }) => sum + world.load(session), world.board.waiting);
        const share = fairShares(joined, shared);
        const least = group.reduce(
          (sum, each) => sum + Math.max(world.load(each.session) - share(each), 0),
          0,
        );
        const full = group
          .filter((each) => world.load(each.session) >= share(each))
          .map(({ session }) => session);
        const moves = world.members(...joined).settle();
        expect(moves.filter(({ assignment }) => assignment.revoked)).toHaveLength(least);
        for (const each of joined) expect(world.load(each.session)).toBeLessThanOrEqual(share(each));
        const given = moves.filter(({ assignment }) => !assignment.revoked);
        for (const { assignment } of given) expect(full).not.toContain(assignment.session);
      }),
    );
  });

  test('where nothing changes nothing moves, also under another leader who sees the same', () => {
    fc.assert(
      fc.property(members, count, (group, many) => {
        const world = new World().add(...ids(many)).members(...group);
        world.settle();
        expect(world.members(...group).settle()).toEqual([]);
        const other = new Board<null>();
        other.hear({ type: 'replaced', items: [...world.items.values()] });
        other.setMembers(group);
        expect(other.next()).toBeUndefined();
      }),
    );
  });

  test('whatever comes, goes and ends in whatever order, no capacity is exceeded and each assignment has a new epoch', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), id: fc.nat(40) }),
      fc.record({ do: fc.constant('finish' as const), id: fc.nat(40) }),
      fc.record({ do: fc.constant('remove' as const), id: fc.nat(40) }),
      fc.record({ do: fc.constant('join' as const), id: fc.nat(5) }),
      fc.record({ do: fc.constant('die' as const), id: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const world = new World();
        let group: Member[] = [];
        const epochs = new Map<string, number>();
        let sessions = 0;
        for (const { do: what, id } of steps) {
          const name = `ns/item-${id}`;
          const known = world.items.get(name);
          if (what === 'add' && !known) world.add(name);
          if (what === 'finish' && known?.assignment.session)
            world.store({ ...item(name, known.assignment), done: true });
          if (what === 'remove' && known) {
            world.items.delete(name);
            epochs.delete(name);
            world.board.hear({ type: 'gone', id: name });
          }
          if (what === 'join') group.push({ session: `m${id}.${++sessions}`, capacity: 1 + id });
          const dead = what === 'die' ? group[id % Math.max(group.length, 1)] : undefined;
          group = group.filter((each) => each !== dead);
          if (dead) world.board.endSession(dead.session);
          for (const { item: moved, assignment } of world.members(...group).settle()) {
            if (assignment.revoked) continue;
            expect(assignment.epoch).toBeGreaterThan(epochs.get(moved.id) ?? 0);
            epochs.set(moved.id, assignment.epoch);
          }
          for (const { session, capacity } of group)
            expect(world.load(session)).toBeLessThanOrEqual(capacity);
        }
      }),
    );
  });

  test('what somebody had begun goes before what nobody had', () => {
    const world = new World().add('ns/a', 'ns/b').members(member('m', 1));
    world.settle();
    world.add('ns/c').board.endSession('m.0');
    world.members({ session: 'm.1', capacity: 1 });
    const [first] = world.settle();
    expect(first?.item.assignment.epoch).toBe(1);
  });

  test('while a write is under way its item takes room, and no second write of it is begun', () => {
    const world = new World().add('ns/a', 'ns/b').members(member('m', 1));
    expect(world.board.next()?.item.id).toBe('ns/a');
    expect(world.board.next()).toBeUndefined();
    world.board.moved('ns/a', item('ns/a'));
    expect(world.board.next()).toBeDefined();
  });

  test('an event from before an answer does not undo what the answer told', () => {
    const world = new World().add('ns/a').members(member('m', 2));
    const late = world.items.get('ns/a') as WorkItem<null>;
    world.settle();
    world.board.hear({ type: 'changed', item: late });
    expect(world.board.next()).toBeUndefined();
  });

  test('a list outranks what was known, in either direction', () => {
    const early = item('ns/a');
    const world = new World().add('ns/a').members(member('m', 2));
    world.settle();
    world.board.hear({ type: 'replaced', items: [early] });
    expect(world.board.next()?.item).toBe(early);
  });

  test('an item of a session of which nothing is known stays where it is', () => {
    const world = new World().members(member('m', 2));
    world.store(item('ns/a', { session: 'stranger.3', epoch: 7 }));
    expect(world.settle()).toEqual([]);
    expect(world.board.sessions).toEqual(['stranger.3']);
    world.board.endSession('stranger.3');
    expect(world.settle()[0]?.assignment).toEqual({ session: 'm.0', epoch: 8, revoked: false });
  });
});

describe('rendezvous', () => {
  test('a member of twice the weight is the first choice of twice as many items, within a tenth', () => {
    const group = [member('a', 1), member('b', 2), member('c', 1)];
    const counts = new Map<string, number>();
    for (const id of ids(20_000)) {
      const best = group.toSorted(
        (x, y) => affinity(id, y.session, y.capacity) - affinity(id, x.session, x.capacity),
      )[0] as Member;
      counts.set(best.session, (counts.get(best.session) ?? 0) + 1);
    }
    expect(counts.get('a.0')).toBeGreaterThan(4500);
    expect(counts.get('a.0')).toBeLessThan(5500);
    expect(counts.get('b.0')).toBeGreaterThan(9000);
    expect(counts.get('b.0')).toBeLessThan(11_000);
  });

  test('a later session of the same member is offered the same items', () => {
    const open = { load: () => 0, total: 1 };
    for (const id of ids(50)) {
      const before = place(id, [member('a', 3), member('b', 3)], open);
      const after = place(id, [{ session: 'a.7', capacity: 3 }, member('b', 3)], open);
      expect(after?.session.slice(0, 1)).toBe(before?.session.slice(0, 1));
    }
  });
});
