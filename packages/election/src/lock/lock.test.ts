import { describe, expect, test } from '@jest/globals';
import { AuthorityLostError, type Lease, type Term, sleep } from '@incumbent/core/client';
import { VirtualClock, seededRandom, settle } from '@incumbent/core/testing';
import type { RemovableLeasePort } from '../lease/lease-port.js';
import { recordOf } from '../lease/lease-record.js';
import { type Fault, FakeLeasePort, FakeLeaseServer, apiError } from '../lease/lease-server.fake.js';
import { LockError, LockHeldError, LockLostError, LockTimeoutError } from './lock-errors.js';
import type { AcquireOptions, LockOptions } from './lock-options.js';
import { Lock, withLock } from './lock.js';
import { Semaphore } from './semaphore.js';

class LockPort extends FakeLeasePort implements RemovableLeasePort {
  readonly deleted: Lease[] = [];

  constructor(
    private readonly server: FakeLeaseServer,
    by: string,
  ) {
    super(server, by);
  }

  async delete(lease: Lease): Promise<void> {
    await sleep(this.server.clock, this.latency);
    const { uid, resourceVersion } = this.server.lease?.metadata ?? {};
    if (!uid) throw apiError(404, 'NotFound');
    if (uid !== lease.metadata.uid || resourceVersion !== lease.metadata.resourceVersion)
      throw apiError(409, 'Conflict');
    this.deleted.push(lease);
    this.server.delete();
  }
}

/** D 15 s, N 10 s, R 5 s, P 1.5 s. */
function given(common: Partial<LockOptions> = {}, seed = 1) {
  const clock = new VirtualClock();
  const servers = new Map<string, FakeLeaseServer>();
  const serverOf = (name: string): FakeLeaseServer => {
    const server = servers.get(name) ?? new FakeLeaseServer(clock);
    servers.set(name, server);
    return server;
  };
  const random = seededRandom(seed);
  const options = (identity: string): LockOptions & { readonly ports: LockPort[] } => {
    const ports: LockPort[] = [];
    const leases = ({ name }: { readonly name: string }): LockPort => {
      const port = new LockPort(serverOf(name), identity);
      ports.push(port);
      return port;
    };
    return { name: 'migration', namespace: 'default', identity, leases, clock, random, ...common, ports };
  };
  const server = serverOf('migration');
  const lock = (identity: string): Lock => new Lock(options(identity));
  return { clock, server, serverOf, random, options, lock };
}

/** What became of a promise so far. */
function watched<T>(promise: Promise<T>) {
  const state: { value?: T; error?: unknown; done: boolean } = { done: false };
  promise.then(
    (value) => Object.assign(state, { value, done: true }),
    (error: unknown) => Object.assign(state, { error, done: true }),
  );
  return state;
}

/** Work that lasts until it is let go. */
function work() {
  const terms: Term[] = [];
  let finish: (value: string) => void = () => {};
  const done = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const run = (term: Term): Promise<string> => {
    terms.push(term);
    return done;
  };
  return { run, terms, finish };
}

function heldBy(holderIdentity: string, leaseDurationSeconds = 15) {
  const time = '2026-01-01T00:00:00.123456Z';
  return {
    metadata: { namespace: 'default', name: 'migration' },
    spec: {
      holderIdentity,
      leaseDurationSeconds,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: 3,
    },
  };
}

const holder = (server: FakeLeaseServer): string => recordOf(server.lease as Lease).holder;

describe('a lock', () => {
  test('is held while the work runs, renewed meanwhile, and released after it; the result is the work’s', async () => {
    const { clock, server, lock } = given();
    const job = work();
    const a = watched(lock('a').run(job.run));
    await clock.advance('1s');
    expect(holder(server)).toMatch(/^a_/);
    expect(job.terms[0]?.remaining()).toBeGreaterThan(8000);
    await clock.advance('60s');
    expect(job.terms[0]?.remaining()).toBeGreaterThan(4000);
    job.finish('migrated');
    await clock.advance('1s');
    expect(a).toMatchObject({ done: true, value: 'migrated' });
    expect(server.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(() => job.terms[0]?.assertHeld()).toThrow(AuthorityLostError);
    expect(clock.pending).toBe(0);
  });

  test('is waited for, and had one round trip after its release', async () => {
    const { clock, lock } = given();
    const [first, second] = [work(), work()];
    void lock('a').run(first.run);
    await clock.advance('100ms');
    void lock('b').run(second.run);
    await clock.advance('100s');
    expect(second.terms).toHaveLength(0);
    first.finish('');
    await clock.advance('20ms');
    expect(second.terms).toHaveLength(1);
    expect(second.terms[0]?.number).toBe(1);
    expect(BigInt(second.terms[0]?.token ?? 0)).toBeGreaterThan(BigInt(first.terms[0]?.token ?? 0));
    second.finish('');
    await clock.advance('1s');
  });

  test('whose work throws is released, and the error is the work’s', async () => {
    const { clock, server, lock } = given();
    const failure = new Error('no space left');
    const a = watched(lock('a').run(() => Promise.reject(failure)));
    const thrown = watched(
      lock('a').run(() => {
        throw failure;
      }),
    );
    await clock.advance('5s');
    expect(a.error).toBe(failure);
    expect(thrown.error).toBe(failure);
    expect(holder(server)).toBe('');
  });

  test('left behind by a dead holder is had after its duration as we saw it', async () => {
    const { clock, server, lock } = given();
    server.create(heldBy('dead'));
    const job = work();
    void lock('a').run(job.run);
    await clock.advance('14.9s');
    expect(job.terms).toHaveLength(0);
    await clock.advance('200ms');
    expect(job.terms).toHaveLength(1);
    job.finish('');
    await clock.advance('1s');
  });

  test('can be had as a handle, released at the end of the block', async () => {
    const { clock, server, lock } = given();
    const block = watched(
      (async () => {
        await using held = await lock('a').acquire();
        expect(holder(server)).toMatch(/^a_/);
        expect(held.lease).toBe('default/migration');
        await sleep(clock, 1000);
        return held.term.number;
      })(),
    );
    await clock.advance('2s');
    expect(block).toMatchObject({ done: true, value: 0 });
    expect(holder(server)).toBe('');
  });

  test('serves those who ask one object in the order of asking, with one of them watching', async () => {
    const { clock, options } = given();
    const settings = options('a');
    const lock = new Lock(settings);
    const order: number[] = [];
    const all = watched(
      Promise.all(
        [0, 1, 2, 3, 4].map((index) =>
          lock.run(async () => {
            order.push(index);
            await sleep(clock, 1000);
          }),
        ),
      ),
    );
    await clock.advance('500ms');
    expect(settings.ports).toHaveLength(2);
    await clock.advance('20s');
    expect(all.done).toBe(true);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('not waiting', () => {
  test('a try fails at once with who holds the lock, and since when, to the microsecond', async () => {
    const { clock, server, lock } = given();
    server.create(heldBy('other_1'));
    const a = watched(lock('a').acquire({ try: true }));
    await clock.advance('10ms');
    expect(a.error).toBeInstanceOf(LockHeldError);
    expect(a.error).toMatchObject({
      code: 'LOCK_HELD',
      lock: 'default/migration',
      holders: [{ identity: 'other_1', lease: 'default/migration' }],
      message:
        'default/migration is held by other_1 since 2026-01-01T00:00:00.123456Z (renewed 2026-01-01T00:00:00.123456Z).',
    });
    expect(server.writes).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('a try takes a lock that is free, or released, or was never there', async () => {
    const { clock, server, lock } = given();
    const never = watched(lock('a').run(async () => 1, { try: true }));
    await clock.advance('100ms');
    expect(never.value).toBe(1);
    expect(holder(server)).toBe('');
    const released = watched(lock('b').run(async () => 2, { try: true }));
    await clock.advance('100ms');
    expect(released.value).toBe(2);
  });

  test('a try on a lease that was blanked by hand fails: its holder may still work', async () => {
    const { clock, server, lock } = given();
    server.create(heldBy('', 15));
    const a = watched(lock('a').acquire({ try: true }));
    await clock.advance('10ms');
    expect(a.error).toMatchObject({ code: 'LOCK_HELD', holders: [{ identity: '' }] });
  });

  test('of two tries at once one gets the lock, the other an error', async () => {
    const { clock, lock } = given();
    const both = ['a', 'b'].map((name) => watched(lock(name).acquire({ try: true })));
    await clock.advance('2s');
    expect(both.filter(({ value }) => value)).toHaveLength(1);
    expect(both.find(({ error }) => error)?.error).toBeInstanceOf(LockHeldError);
    for (const { value } of both) void value?.release();
    await clock.advance('1s');
  });

  test('a try does not outlast a server that does not answer', async () => {
    const { clock, options } = given();
    const settings = options('a');
    const faulty = (key: { readonly namespace: string; readonly name: string }): RemovableLeasePort =>
      Object.assign(settings.leases?.(key) as LockPort, { fault: () => 'lost' });
    const a = watched(new Lock({ ...settings, leases: faulty }).acquire({ try: true }));
    await clock.advance('6s');
    expect(a.error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  test('what RBAC denies is refused at once, with the rule that is missing', async () => {
    const { clock, options } = given();
    const settings = options('a');
    const denied = (key: { readonly namespace: string; readonly name: string }): RemovableLeasePort =>
      Object.assign(settings.leases?.(key) as LockPort, {
        fault: ({ verb }: { verb: string }) => (verb === 'create' ? apiError(403, 'Forbidden') : undefined),
      });
    const a = watched(new Lock({ ...settings, leases: denied }).acquire());
    await clock.advance('1s');
    expect(a.error).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      message: expect.stringContaining('verbs ["create"]'),
    });
    expect(clock.pending).toBe(0);
  });

  test('a timeout ends the wait and names the holder; nothing is left behind', async () => {
    const { clock, server, lock } = given();
    server.create(heldBy('other'));
    const a = watched(lock('a').acquire({ timeout: '10s' }));
    await clock.advance('9.9s');
    expect(a.done).toBe(false);
    await clock.advance('200ms');
    expect(a.error).toBeInstanceOf(LockTimeoutError);
    expect(a.error).toMatchObject({ code: 'LOCK_TIMEOUT', holders: [{ identity: 'other' }] });
    await clock.advance('60s');
    expect(server.writes).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('a timeout counts also while others of this process are first in the queue', async () => {
    const { clock, server, lock } = given();
    server.create(heldBy('other'));
    const shared = lock('a');
    const patient = watched(shared.run(async () => 'had it'));
    const hasty = watched(shared.acquire({ timeout: '1s' }));
    await clock.advance('2s');
    expect(hasty.error).toBeInstanceOf(LockTimeoutError);
    expect(patient.done).toBe(false);
    await clock.advance('20s');
    expect(patient.value).toBe('had it');
  });

  test('an abort ends the wait with the signal’s reason as its cause', async () => {
    const { clock, server, lock } = given();
    server.create(heldBy('other'));
    const stop = new AbortController();
    const a = watched(lock('a').acquire({ signal: stop.signal }));
    await clock.advance('1s');
    stop.abort('shutting down');
    await clock.advance('100ms');
    expect(a.error).toBeInstanceOf(LockError);
    expect(a.error).toMatchObject({ code: 'LOCK_ABORTED', cause: 'shutting down' });
    expect(watched(lock('b').acquire({ signal: stop.signal })).done).toBe(false);
    await clock.advance('1s');
    expect(server.writes).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('an acquisition that lands unheard of while the wait ends is freed, not left to lapse', async () => {
    const { clock, server, options } = given();
    const settings = options('a');
    const deaf = (key: { readonly namespace: string; readonly name: string }): RemovableLeasePort =>
      Object.assign(settings.leases?.(key) as LockPort, {
        fault: ({ verb }: { verb: string }) => (verb === 'create' ? 'answer lost' : undefined),
      });
    const a = watched(new Lock({ ...settings, leases: deaf }).acquire({ timeout: '500ms' }));
    await clock.advance('600ms');
    expect(holder(server)).toMatch(/^a_/);
    await clock.advance('3s');
    expect(a.error).toBeInstanceOf(LockTimeoutError);
    expect(holder(server)).toBe('');
  });
});

describe('losing', () => {
  test('the term’s signal aborts, the work is awaited, and what it returns does not count', async () => {
    const { clock, server, options } = given();
    const settings = options('a');
    const job = work();
    const a = watched(new Lock(settings).run(job.run));
    await clock.advance('1s');
    for (const port of settings.ports) port.fault = () => 'lost';
    await clock.advance('11s');
    expect(job.terms[0]?.signal.aborted).toBe(true);
    expect(a.done).toBe(false);
    job.finish('done, it thinks');
    await clock.advance('5s');
    expect(a.error).toBeInstanceOf(LockLostError);
    expect(a.error).toMatchObject({ code: 'LOCK_LOST', loss: 'expired', lock: 'default/migration' });
    expect(server.writes.every(({ lease }) => recordOf(lease).holder !== '')).toBe(true);
  });

  test('a pause past the deadline is a loss even if no timer has run', async () => {
    const { clock, lock } = given();
    const job = work();
    const a = watched(lock('a').run(job.run));
    await clock.advance('1s');
    clock.stall('11s');
    job.finish('done, it thinks');
    await settle();
    await clock.advance('1s');
    expect(a.error).toMatchObject({ code: 'LOCK_LOST', loss: 'expired' });
  });

  test('the error tells what happened, and keeps what the work threw', async () => {
    for (const loss of ['deleted', 'usurped'] as const) {
      const { clock, server, lock } = given();
      const a = watched(
        lock('a').run(async (term) => {
          await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
          throw new Error('stopped');
        }),
      );
      await clock.advance('1s');
      if (loss === 'deleted') server.delete();
      else
        server.put({
          ...(server.lease as Lease),
          spec: { holderIdentity: 'thief', leaseDurationSeconds: 15 },
        });
      await clock.advance('1s');
      expect(a.error).toMatchObject({ code: 'LOCK_LOST', loss, cause: new Error('stopped') });
      await clock.advance('20s');
      expect(server.lease?.spec?.holderIdentity).toBe(loss === 'deleted' ? undefined : 'thief');
    }
  });

  test('an abort while held asks the work to end, under a lock that is still held; its result counts', async () => {
    const { clock, lock } = given();
    const stop = new AbortController();
    let remaining = 0;
    const a = watched(
      lock('a').run(
        async (term) => {
          await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
          await sleep(clock, 20_000);
          remaining = term.remaining();
          return 'rounded off';
        },
        { signal: stop.signal },
      ),
    );
    await clock.advance('1s');
    stop.abort();
    await clock.advance('25s');
    expect(a.value).toBe('rounded off');
    expect(remaining).toBeGreaterThan(0);
  });

  test('a handle whose lock was lost says so when it is released, every time', async () => {
    const { clock, server, lock } = given();
    const acquired = watched(lock('a').acquire());
    await clock.advance('1s');
    server.delete();
    await clock.advance('1s');
    const releases = [watched(acquired.value!.release()), watched(acquired.value!.release())];
    await clock.advance('1s');
    for (const { error } of releases) expect(error).toMatchObject({ code: 'LOCK_LOST', loss: 'deleted' });
  });
});

describe('reentrancy', () => {
  test('work that asks for the lock it runs under is refused, however deep', async () => {
    const { clock, lock, options } = given();
    const a = watched(
      lock('a').run(async () => {
        await sleep(clock, 1);
        return withLock(options('a'), async () => 'inner');
      }),
    );
    await clock.advance('1s');
    expect(a.error).toMatchObject({ code: 'LOCK_REENTRANT' });
  });

  test('another lock within is fine, and so is the same one for what the work left running', async () => {
    const { clock, lock, options } = given();
    let later: Promise<string> | undefined;
    const a = watched(
      lock('a').run(async () => {
        later = sleep(clock, 1000).then(() => lock('a').run(async () => 'later'));
        return withLock({ ...options('a'), name: 'other' }, async () => 'other');
      }),
    );
    await clock.advance('500ms');
    expect(a.value).toBe('other');
    const left = watched(later!);
    await clock.advance('5s');
    expect(left.value).toBe('later');
  });
});

describe('removing after use', () => {
  test('deletes the Lease that it created', async () => {
    const { clock, server, lock } = given({ removeAfterUse: true });
    const a = watched(lock('a').run(async () => 'done'));
    await clock.advance('1s');
    expect(a.value).toBe('done');
    expect(server.lease).toBeUndefined();
  });

  test('leaves a Lease that was there before, and one that somebody has taken since', async () => {
    const before = given({ removeAfterUse: true });
    before.server.create(heldBy('', 1));
    void before.lock('a').run(async () => {});
    await before.clock.advance('1s');
    expect(before.server.lease).toBeDefined();

    const { clock, server, options } = given({ removeAfterUse: true });
    const slow = options('a');
    const job = work();
    const next = work();
    const a = watched(new Lock(slow).run(() => sleep(clock, 1000)));
    await clock.advance('500ms');
    for (const port of slow.ports) port.latency = 50;
    void new Lock(options('b')).run(next.run);
    await clock.advance('2s');
    expect(a.done).toBe(true);
    expect(next.terms).toHaveLength(1);
    expect(slow.ports.flatMap(({ deleted }) => deleted)).toEqual([]);
    expect(holder(server)).toMatch(/^b_/);
    next.finish('');
    job.finish('');
    await clock.advance('1s');
  });
});

describe('a lock delay', () => {
  test('keeps a successor of a lost holder from beginning, not one of a holder that released', async () => {
    const { clock, server, lock } = given({ lockDelay: '18s' });
    server.create(heldBy('dead'));
    const [first, second] = [work(), work()];
    void lock('a').run(first.run);
    await clock.advance('32.9s');
    expect(holder(server)).toMatch(/^a_/);
    expect(first.terms).toHaveLength(0);
    await clock.advance('200ms');
    expect(first.terms).toHaveLength(1);
    first.finish('');
    await clock.advance('1s');
    void lock('b').run(second.run);
    await clock.advance('100ms');
    expect(second.terms).toHaveLength(1);
    second.finish('');
    await clock.advance('1s');
  });

  test('is sat out also by one that is told to give up: the next must not find the lease released', async () => {
    const { clock, server, lock } = given({ lockDelay: '18s' });
    server.create(heldBy('dead'));
    const stop = new AbortController();
    const a = watched(lock('a').acquire({ signal: stop.signal }));
    await clock.advance('20s');
    stop.abort();
    await clock.advance('12.9s');
    expect(holder(server)).toMatch(/^a_/);
    expect(a.done).toBe(false);
    await clock.advance('200ms');
    expect(holder(server)).toBe('');
    expect(a.error).toMatchObject({ code: 'LOCK_ABORTED' });
  });

  test('that ends in a loss costs no turn: the lock is taken anew, and had after another delay', async () => {
    const { clock, server, lock } = given({ lockDelay: '18s' });
    server.create(heldBy('dead'));
    const a = watched(lock('a').run(async () => 'had it'));
    await clock.advance('20s');
    server.delete();
    await clock.advance('17s');
    expect(a.done).toBe(false);
    await clock.advance('4s');
    expect(a.value).toBe('had it');
  });

  test('comes on top of a timeout once the lease is won', async () => {
    const { clock, server, lock } = given({ lockDelay: '18s' });
    server.create(heldBy('dead'));
    const a = watched(lock('a').run(async () => 'had it', { timeout: '16s' }));
    await clock.advance('32s');
    expect(a.done).toBe(false);
    await clock.advance('2s');
    expect(a.value).toBe('had it');
  });
});

describe('a semaphore', () => {
  const semaphore = (setting: ReturnType<typeof given>, identity: string, permits = 2): Semaphore =>
    new Semaphore({ ...setting.options(identity), name: 'gate', permits });

  test('lets as many in as it has permits, and the next one when one leaves', async () => {
    const setting = given();
    const { clock, serverOf } = setting;
    const jobs = [work(), work(), work()];
    const outcomes = jobs.map(({ run }, index) => watched(semaphore(setting, `p${index}`).run(run)));
    await clock.advance('3s');
    expect(jobs.filter(({ terms }) => terms.length === 1)).toHaveLength(2);
    expect([holder(serverOf('gate-0')), holder(serverOf('gate-1'))].toSorted()).not.toContain('');
    const [inside, outside] = [
      jobs.find(({ terms }) => terms.length),
      jobs.find(({ terms }) => !terms.length),
    ];
    await clock.advance('60s');
    expect(outside?.terms).toHaveLength(0);
    inside?.finish('left');
    await clock.advance('3s');
    expect(outside?.terms).toHaveLength(1);
    for (const job of jobs) job.finish('left');
    await clock.advance('3s');
    expect(outcomes.every(({ value }) => value === 'left')).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('takes one permit, never two, even if all are free', async () => {
    const setting = given();
    const job = work();
    void semaphore(setting, 'a', 5).run(job.run);
    await setting.clock.advance('5s');
    const servers = [0, 1, 2, 3, 4].map((slot) => setting.serverOf(`gate-${slot}`));
    expect(servers.filter(({ writes }) => writes.length > 0)).toHaveLength(1);
    job.finish('');
    await setting.clock.advance('1s');
  });

  test('a try fails when every permit is held, and names all holders', async () => {
    const setting = given();
    const { clock, serverOf } = setting;
    serverOf('gate-0').create(heldBy('x'));
    const first = watched(semaphore(setting, 'a').acquire({ try: true }));
    await clock.advance('100ms');
    expect(first.value?.lease).toBe('default/gate-1');
    const second = watched(semaphore(setting, 'b').acquire({ try: true }));
    await clock.advance('100ms');
    expect(second.error).toBeInstanceOf(LockHeldError);
    expect((second.error as LockHeldError).holders.map(({ lease }) => lease).toSorted()).toEqual([
      'default/gate-0',
      'default/gate-1',
    ]);
    void first.value?.release();
    await clock.advance('1s');
  });

  test('refuses a number of permits that is none', () => {
    const setting = given();
    for (const permits of [0, -1, 1.5, Number.NaN])
      expect(() => semaphore(setting, 'a', permits)).toThrow(
        expect.objectContaining({ code: 'SEMAPHORE_PERMITS' }),
      );
  });
});

describe('never too many at once', () => {
  /** Contenders that come and go over a network that loses, delays and refuses. */
  async function contend(seed: number, permits: number, contenders: number) {
    const setting = given({ preset: 'fast' }, seed);
    const { clock, random } = setting;
    const inside = new Set<Term>();
    let [most, had, lost, gaveUp] = [0, 0, 0, 0];
    const count = (): void => {
      most = Math.max(most, [...inside].filter((term) => term.remaining() > 0).length);
    };
    const job = async (term: Term): Promise<void> => {
      inside.add(term);
      for (let steps = 1 + random.next() * 40; steps > 0; steps--) {
        count();
        await sleep(clock, 200);
      }
      count();
      inside.delete(term);
    };
    const pick = <T>(...choices: T[]): T => choices[Math.floor(random.next() * choices.length)] as T;
    const contender = async (index: number): Promise<void> => {
      const options = setting.options(`p${index}`);
      const leases = (key: { readonly namespace: string; readonly name: string }): LockPort => {
        const port = options.leases?.(key) as LockPort;
        port.latency = 1 + random.next() * 200;
        port.fault = () =>
          random.next() < 0.2
            ? pick<Fault>('lost', 'answer lost', apiError(500, 'InternalError'))
            : undefined;
        return port;
      };
      const settings = { ...options, name: 'gate', leases };
      const lock = permits === 1 ? new Lock(settings) : new Semaphore({ ...settings, permits });
      for (let round = 0; round < 4; round++) {
        await sleep(clock, random.next() * 5000);
        const how: AcquireOptions = pick({}, {}, { timeout: '10s' }, { try: true });
        await lock.run(job, how).then(
          () => had++,
          (error: { code?: string }) => {
            if (error.code === 'LOCK_LOST') lost++;
            else if (error instanceof LockError) gaveUp++;
            else throw error;
          },
        );
      }
    };
    const all = watched(Promise.all(Array.from({ length: contenders }, (_, index) => contender(index))));
    for (let time = 0; time < 3000 && !all.done; time++) {
      if (random.next() < 0.01) clock.stall(random.next() * 4000);
      await clock.advance('500ms');
    }
    return { all, most, had, lost, gaveUp };
  }

  test.each([
    [1, 5],
    [3, 6],
  ])(
    'of those who share %i, whatever the network does',
    async (permits, contenders) => {
      const sum = { had: 0, lost: 0, gaveUp: 0 };
      for (let seed = 1; seed <= 12; seed++) {
        const { all, most, had, lost, gaveUp } = await contend(seed, permits, contenders);
        expect({ seed, error: all.error, done: all.done }).toEqual({ seed, error: undefined, done: true });
        expect({ seed, within: most <= permits }).toEqual({ seed, within: true });
        sum.had += had;
        sum.lost += lost;
        sum.gaveUp += gaveUp;
      }
      expect(sum.had).toBeGreaterThan(60);
      expect(sum.lost + sum.gaveUp).toBeGreaterThan(0);
    },
    60_000,
  );
});
