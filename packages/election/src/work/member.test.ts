import { describe, expect, test } from '@jest/globals';
import { ApiError, type Draft, AuthorityLostError, type Lease, silentLogger } from '@incumbent/core/client';
import { VirtualClock, seededRandom, settle } from '@incumbent/core/testing';
import { resolveTimings } from '../elector/options.js';
import type { LeasePort } from '../lease/lease-port.js';
import type { Assignment, FollowOptions, ItemNews, WorkItem, WorkItems } from './assignment.js';
import { CAPACITY_ANNOTATION, GROUP_LABEL, MemberLease } from './member-lease.js';
import { Processor, type WorkContext } from './processor.js';

const SESSION = 'm.0';
const conflict = (): ApiError => new ApiError('item', 409, { reason: 'Conflict' });

/** Items in memory, whose watch says what a test lets it say. */
class Items implements WorkItems<string, string> {
  readonly stored = new Map<string, WorkItem<string>>();
  readonly results: string[] = [];
  readonly assigned: Assignment[] = [];
  /** Errors for the next results. */
  readonly failures: Error[] = [];
  #listener: (news: ItemNews<string>) => void = () => {};
  #version = 0;

  async follow({ signal }: FollowOptions, listener: (news: ItemNews<string>) => void): Promise<void> {
    this.#listener = listener;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  }

  /** Stores it and tells of it. */
  put(id: string, assignment: Partial<Assignment> = {}): WorkItem<string> {
    const item = this.store(id, { session: SESSION, epoch: 1, revoked: false, ...assignment });
    this.#listener({ type: 'changed', item });
    return item;
  }

  gone(id: string): void {
    this.#listener({ type: 'gone', id });
  }

  store(id: string, assignment: Assignment, done = false): WorkItem<string> {
    const version = String(++this.#version);
    const item = { id, idempotencyKey: `uid-${id}`, version, done, assignment, value: id };
    this.stored.set(id, item);
    return item;
  }

  async read(id: string): Promise<WorkItem<string> | undefined> {
    return this.stored.get(id);
  }

  async assign(item: WorkItem<string>, assignment: Assignment): Promise<WorkItem<string>> {
    this.#check(item);
    this.assigned.push(assignment);
    return this.store(item.id, assignment);
  }

  async finish(item: WorkItem<string>, result: string): Promise<WorkItem<string>> {
    const failure = this.failures.shift();
    if (failure) throw failure;
    this.#check(item);
    this.results.push(result);
    return this.store(item.id, item.assignment, true);
  }

  #check(item: WorkItem<string>): void {
    if (this.stored.get(item.id)?.version !== item.version) throw conflict();
  }
}

/** Work that ends when the test says how. */
interface Job {
  readonly item: string;
  readonly context: WorkContext;
  readonly end: (result: string) => Promise<void>;
  readonly fail: () => Promise<void>;
}

function given({ capacity = 2 } = {}) {
  const clock = new VirtualClock();
  const items = new Items();
  const stop = new AbortController();
  const jobs: Job[] = [];
  let held = true;
  const term = {
    number: 0,
    token: '7',
    signal: stop.signal,
    remaining: () => (held ? 1000 : 0),
    assertHeld: () => {},
    mayStillCommit: () => () => {},
  };
  const processor = new Processor<string, string>({
    items,
    session: SESSION,
    capacity,
    term,
    timings: resolveTimings({ preset: 'fast' }),
    clock,
    random: seededRandom(1),
    log: silentLogger,
    work: (item, context) =>
      new Promise((resolve, reject) =>
        jobs.push({
          item,
          context,
          end: async (result) => (resolve(result), settle()),
          fail: async () => (reject(new Error('failed')), settle()),
        }),
      ),
  });
  const running = processor.run();
  const begun = (): string[] => jobs.map(({ item }) => item);
  const lose = (): void => {
    held = false;
    stop.abort();
  };
  return { clock, items, jobs, begun, processor, running, stop: () => stop.abort(), lose };
}

describe('a member', () => {
  test('works on what it is assigned, as many items at a time as its capacity, and records each result', async () => {
    const { items, jobs, begun } = given();
    for (const id of ['a', 'b', 'c']) items.put(id);
    await settle();
    expect(begun()).toEqual(['a', 'b']);
    await jobs[0]?.end('A');
    expect(items.results).toEqual(['A']);
    expect(begun()).toEqual(['a', 'b', 'c']);
  });

  test('tries what failed again after a while, with the same idempotency key', async () => {
    const { clock, items, jobs } = given();
    items.put('a');
    await settle();
    await jobs[0]?.fail();
    await clock.advance('0.9s');
    expect(jobs).toHaveLength(1);
    await clock.advance('1s');
    expect(jobs).toHaveLength(2);
    expect(jobs[1]?.context.idempotencyKey).toBe(jobs[0]?.context.idempotencyKey);
  });

  test('gives back what it is asked for when its work has ended, not before', async () => {
    const { items, jobs } = given();
    items.put('a');
    await settle();
    items.put('a', { revoked: true });
    await settle();
    expect(jobs[0]?.context.signal.aborted).toBe(true);
    expect(items.assigned).toEqual([]);
    await jobs[0]?.fail();
    expect(items.assigned).toEqual([{ session: undefined, epoch: 1, revoked: false }]);
    expect(() => jobs[0]?.context.term.assertHeld()).toThrow(/is over/);
  });

  test('does not give back an item while a write for it may still take effect', async () => {
    const { clock, items, jobs } = given();
    items.put('a');
    await settle();
    jobs[0]?.context.term.mayStillCommit(500);
    items.put('a', { revoked: true });
    await jobs[0]?.fail();
    // Its own 500 ms, and the 2 s between renew deadline and lease duration for its way.
    await clock.advance('2.4s');
    expect(items.assigned).toEqual([]);
    await clock.advance('0.2s');
    expect(items.assigned).toHaveLength(1);
  });

  test('records a result that comes although the item was asked back', async () => {
    const { items, jobs } = given();
    items.put('a');
    await settle();
    items.put('a', { revoked: true });
    await jobs[0]?.end('A');
    expect(items.results).toEqual(['A']);
    expect(items.assigned).toEqual([]);
  });

  test('works on an item that comes back to it while its last work on it still ends', async () => {
    const { items, jobs } = given();
    items.put('a');
    await settle();
    items.put('a', { revoked: true });
    items.gone('a');
    items.put('a', { epoch: 2 });
    await settle();
    expect(jobs).toHaveLength(1);
    await jobs[0]?.fail();
    expect(jobs.map(({ context }) => context.term.number)).toEqual([1, 2]);
  });

  test('does not begin again what a late view shows of an item that it is through with', async () => {
    const { items, jobs } = given();
    const early = items.put('a');
    await settle();
    await jobs[0]?.end('A');
    items.put('a', early.assignment);
    await settle();
    expect(jobs).toHaveLength(1);
  });

  test('records a result once, whoever changed the item meanwhile, and not at all where it is no longer its own', async () => {
    const { items, jobs } = given();
    for (const id of ['a', 'b']) items.put(id);
    await settle();
    items.store('a', { session: SESSION, epoch: 1, revoked: false });
    items.store('b', { session: 'other.0', epoch: 2, revoked: false });
    await jobs[0]?.end('A');
    await jobs[1]?.end('B');
    expect(items.results).toEqual(['A']);
  });

  test('a result that the server does not take counts as failed work', async () => {
    const { clock, items, jobs } = given();
    items.failures.push(new ApiError('item', 422, { reason: 'Invalid' }));
    items.put('a');
    await settle();
    await jobs[0]?.end('nonsense');
    await clock.advance('2s');
    expect(jobs).toHaveLength(2);
    await jobs[1]?.end('A');
    expect(items.results).toEqual(['A']);
  });

  test('that stops begins nothing more, records what still comes, and needs no write for the rest', async () => {
    const { items, jobs, running, stop } = given();
    for (const id of ['a', 'b', 'c']) items.put(id);
    await settle();
    stop();
    await jobs[0]?.end('A');
    await jobs[1]?.fail();
    await running;
    expect([items.results, items.assigned, jobs.length]).toEqual([['A'], [], 2]);
  });

  test('that lost its lease ends when its work has, without a word', async () => {
    const { items, jobs, running, lose } = given();
    items.put('a');
    await settle();
    lose();
    await jobs[0]?.fail();
    await running;
    expect(items.assigned).toEqual([]);
  });

  test('of which an item is taken by hand sends nothing more for it', async () => {
    const { items, jobs } = given();
    items.put('a');
    await settle();
    items.gone('a');
    expect(jobs[0]?.context.signal.aborted).toBe(true);
    expect(() => jobs[0]?.context.term.assertHeld()).toThrow(AuthorityLostError);
  });
});

describe('the Lease of a member', () => {
  function givenLease() {
    /** As they were sent: with the version that they are conditional on. */
    const written: Draft<Lease>[] = [];
    const answer = async (lease: Draft<Lease>): Promise<Lease> => {
      written.push(lease);
      return { ...lease, metadata: { ...lease.metadata, resourceVersion: `v${written.length}` } } as Lease;
    };
    const port = { create: answer, update: answer } as unknown as LeasePort;
    const lease = new MemberLease(port, 'hashers', 4);
    const draft = (leaseTransitions: number): Draft<Lease> => ({
      metadata: { name: 'hashers-m', namespace: 'default' },
      spec: { holderIdentity: 'm', leaseTransitions },
    });
    return { lease, written, draft };
  }
  const ATTEMPT = { timeout: 1000 };

  test('says in every write which group it is of, and how much its member takes', async () => {
    const { lease, written, draft } = givenLease();
    await lease.update(await lease.create(draft(0), ATTEMPT), ATTEMPT);
    for (const { metadata } of written) {
      expect(metadata.labels?.[GROUP_LABEL]).toBe('hashers');
      expect(metadata.annotations?.[CAPACITY_ANNOTATION]).toBe('4');
    }
  });

  test('never bears a term twice, not even one of which no answer came', async () => {
    const { lease, written, draft } = givenLease();
    for (const transitions of [0, 1, 1, 0]) await lease.create(draft(transitions), ATTEMPT);
    expect(written.map(({ spec }) => spec?.leaseTransitions)).toEqual([0, 1, 2, 3]);
  });

  test('tells a changed capacity at once, and a renewal that does not know of it goes on from there', async () => {
    const { lease, written, draft } = givenLease();
    const known = await lease.create(draft(0), ATTEMPT);
    await lease.announce(0, ATTEMPT);
    expect(written.at(-1)?.metadata.annotations?.[CAPACITY_ANNOTATION]).toBe('0');
    const renewed = await lease.update(known, ATTEMPT);
    await lease.update(renewed, ATTEMPT);
    expect(written.map(({ metadata }) => metadata.resourceVersion)).toEqual([undefined, 'v1', 'v2', 'v3']);
  });
});
