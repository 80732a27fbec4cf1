import { describe, expect, test } from '@jest/globals';
import { type LeadershipState, type LogFields, type Term, silentLogger } from '@incumbent/core/client';
import { VirtualClock, seededRandom } from '@incumbent/core/testing';
import { recordOf } from '../lease/lease-record.js';
import { FakeLeaseServer } from '../lease/lease-server.fake.js';
import { ElectionThread } from './election-thread.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';
import type { StartThread } from './thread-handle.js';
import { WorkerElector, type WorkerElectorOptions } from './worker-elector.js';

const KEY = { namespace: 'operators', name: 'backup-controller' };

/** Messages from one side to the other, which wait while the receiver's event loop is blocked. */
class Mailbox<M> {
  blocked = false;
  readonly #waiting: M[] = [];
  readonly #receive: (message: M) => void;

  constructor(receive: (message: M) => void) {
    this.#receive = receive;
  }
  send(message: M): void {
    this.#waiting.push(structuredClone(message));
    queueMicrotask(() => this.deliver());
  }
  deliver(): void {
    if (!this.blocked) for (const message of this.#waiting.splice(0)) this.#receive(message);
  }
}

/** The main thread's clock: its timers don't fire while its loop is blocked, time goes on all the same. */
class BlockableClock extends VirtualClock {
  readonly #shared: VirtualClock;
  blocked = false;
  #late: (() => void)[] = [];
  constructor(shared: VirtualClock) {
    super();
    this.#shared = shared;
  }
  override monotonic(): number {
    return this.#shared.monotonic();
  }
  override uptime(): number {
    return this.#shared.uptime();
  }
  override schedule(delay: number, task: () => void): () => void {
    let cancelled = false;
    const run = (): void => {
      if (!cancelled) task();
    };
    const cancel = this.#shared.schedule(delay, () => (this.blocked ? this.#late.push(run) : run()));
    return () => {
      cancelled = true;
      cancel();
    };
  }
  catchUp(): void {
    for (const run of this.#late.splice(0)) run();
  }
}

/** Both threads in one, on one clock, over messages that are copied as real ones are. D 15 s, N 10 s, R 5 s, P 1.5 s. */
function given(options: Partial<WorkerElectorOptions> = {}, { cannotConnect = false } = {}) {
  const clock = new VirtualClock();
  const server = new FakeLeaseServer(clock);
  const main = new BlockableClock(clock);
  const threads: { data: ThreadData; kill: (error?: Error) => void; fail: (code: string) => void }[] = [];
  const mailboxes: Pick<Mailbox<unknown>, 'blocked' | 'deliver'>[] = [];

  const startThread: StartThread = (data, receive) => {
    let resolve: (error: Error | undefined) => void = () => {};
    const gone = new Promise<Error | undefined>((settle) => (resolve = settle));
    const end = (error?: Error): void => {
      alive = false;
      death.send(error);
    };
    let alive = true;
    const death = new Mailbox<Error | undefined>(resolve);
    const toMain = new Mailbox<FromThread>(receive);
    mailboxes.push(toMain, death);
    const send = (message: FromThread): void => {
      if (alive) toMain.send(message);
    };
    const fail = (code: string): void => send({ kind: 'failed', code, message: 'No way.' });
    if (cannotConnect) {
      fail('CONNECTION_CONFIG');
      return { send: () => {}, terminate: () => end(), gone };
    }
    const port = server.port(data.election.identity);
    port.fault = () => (alive ? undefined : 'lost');
    const thread = new ElectionThread({ data, lease: port, clock, random: seededRandom(1), send });
    const toThread = new Mailbox<ToThread>((message) => thread.receive(message));
    threads.push({ data, kill: end, fail });
    void thread.run().then(() => send({ kind: 'stopped' }));
    return { send: (message) => toThread.send(message), terminate: () => end(), gone };
  };

  const lines: { level: string; fields: LogFields; message: string }[] = [];
  const gauges: Record<string, number> = {};
  const elector = new WorkerElector({
    ...KEY,
    identity: 'a',
    mainThreadLimit: '60s',
    clock: main,
    random: seededRandom(1),
    startThread,
    log: recorder(lines),
    metrics: {
      counter: () => ({ inc: () => {} }),
      histogram: () => ({ observe: () => {} }),
      gauge: ({ name }) => ({ set: (value) => (gauges[name] = value), add: () => {}, remove: () => {} }),
    },
    ...options,
  });
  const states: LeadershipState[] = [];
  elector.state$.subscribe((state) => states.push(state));
  const stop = new AbortController();
  const terms: Term[] = [];
  const log: string[] = [];
  let work = (term: Term): Promise<void> =>
    new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
  const run = (following = async (signal: AbortSignal) => untilAborted(signal)) => {
    const running = elector.run({
      leading: async (term) => {
        terms.push(term);
        log.push(`leading ${term.number}`);
        await work(term);
        log.push(`ended ${term.number}`);
      },
      following: async (signal) => {
        log.push('following');
        await following(signal);
        log.push('followed');
      },
      signal: stop.signal,
    });
    running.catch(() => {});
    return running;
  };
  const block = (): void => {
    main.blocked = true;
    for (const mailbox of mailboxes) mailbox.blocked = true;
  };
  /** The loop turns again: first its timers, then its messages. */
  const unblock = (): void => {
    main.blocked = false;
    main.catchUp();
    for (const mailbox of mailboxes) {
      mailbox.blocked = false;
      mailbox.deliver();
    }
  };
  const setWork = (next: typeof work): void => void (work = next);
  const holder = () => server.lease && recordOf(server.lease).holder;
  return {
    clock,
    server,
    elector,
    states,
    stop,
    terms,
    log,
    lines,
    gauges,
    threads,
    run,
    block,
    unblock,
    setWork,
    holder,
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

function recorder(lines: { level: string; fields: LogFields; message: string }[], fixed: LogFields = {}) {
  const at = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields: { ...fixed, ...fields }, message });
  return {
    ...silentLogger,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields: LogFields): typeof silentLogger => recorder(lines, { ...fixed, ...fields }),
  };
}

describe('an election on a worker thread', () => {
  test('is followed, led and released from the main thread as any other', async () => {
    const { clock, elector, stop, terms, log, states, holder, run, gauges, lines } = given();
    const running = run();
    await clock.advance('100ms');
    expect(elector.isLeader).toBe(true);
    expect(elector.notReady()).toBeUndefined();
    expect(holder()).toBe('a');
    expect(gauges['leader_election_master_status']).toBe(1);
    await clock.advance('60s');
    expect(terms.map(({ number }) => number)).toEqual([0]);
    expect(() => terms[0]?.assertHeld()).not.toThrow();
    stop.abort();
    await clock.advance('1s');
    await running;
    expect(log).toEqual(['following', 'followed', 'leading 0', 'ended 0']);
    expect(states.map(({ phase }) => phase).filter((phase, at, all) => phase !== all[at - 1])).toEqual([
      'starting',
      'following',
      'leading',
      'draining',
      'stopped',
    ]);
    expect(holder()).toBe('');
    expect(gauges['leader_election_master_status']).toBe(0);
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: 'Leading: term 0.',
        fields: expect.objectContaining({ identity: 'a' }),
      }),
    );
  });

  test('keeps its term while the event loop is blocked for several lease durations, and its writes go on under it', async () => {
    const { clock, terms, log, run, block, unblock } = given();
    void run();
    await clock.advance('1s');
    block();
    await clock.advance('45s');
    expect(() => terms[0]?.assertHeld()).not.toThrow();
    unblock();
    await clock.advance('30s');
    expect(terms[0]?.remaining()).toBeGreaterThan(4000);
    expect(log).toEqual(['following', 'followed', 'leading 0']);
  });

  test('is not renewed for an event loop that is blocked beyond the limit: the fence closes without a message', async () => {
    const { clock, server, terms, log, lines, run, block, unblock } = given({ mainThreadLimit: '20s' });
    void run();
    await clock.advance('1s');
    block();
    await clock.advance('21s');
    expect(terms[0]?.remaining()).toBeGreaterThan(0);
    await clock.advance('10s');
    expect(() => terms[0]?.assertHeld()).toThrow(/could not be renewed in time.*Nothing was sent/);
    const writes = server.writes.length;
    await clock.advance('20s');
    expect(server.writes).toHaveLength(writes);
    expect(terms[0]?.signal.aborted).toBe(false);
    unblock();
    await clock.advance('10ms');
    expect(terms[0]?.signal.aborted).toBe(true);
    expect(log.slice(2)).toEqual(['leading 0', 'ended 0', 'following', 'followed', 'leading 1']);
    expect(lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/The main thread has not answered for .* longer than mainThreadLimit \(20s\)/),
    );
    expect(() => terms[0]?.assertHeld()).toThrow('Term 0');
    expect(() => terms[1]?.assertHeld()).not.toThrow();
  });

  test('a release that is asked for during the block comes after the work, not before', async () => {
    const { clock, stop, terms, run, block, unblock, setWork, holder } = given();
    let end = (): void => {};
    setWork(() => new Promise((resolve) => (end = resolve)));
    const running = run();
    await clock.advance('1s');
    stop.abort();
    block();
    await clock.advance('20s');
    expect(terms[0]?.signal.aborted).toBe(true);
    expect(() => terms[0]?.assertHeld()).not.toThrow();
    expect(holder()).toBe('a');
    unblock();
    await clock.advance('5s');
    expect(holder()).toBe('a');
    end();
    await clock.advance('1s');
    await running;
    expect(holder()).toBe('');
  });

  test('a write whose answer was lost holds the release back', async () => {
    const { clock, stop, terms, run, holder } = given();
    void run();
    await clock.advance('1s');
    terms[0]?.mayStillCommit(4000);
    stop.abort();
    await clock.advance('3.9s');
    expect(holder()).toBe('a');
    await clock.advance('10s');
    expect(holder()).toBe('');
  });

  test('a write that the work left under way holds the release back until it is answered, and no longer', async () => {
    const { clock, stop, terms, run, holder } = given();
    void run();
    await clock.advance('1s');
    const settle = terms[0]?.mayStillCommit(8000);
    stop.abort();
    await clock.advance('5s');
    expect(holder()).toBe('a');
    settle?.();
    await clock.advance('10ms');
    expect(holder()).toBe('');
  });

  test('a write whose answer was lost long ago still counts for as long as it may be on its way', async () => {
    const { clock, stop, terms, run, holder } = given();
    void run();
    await clock.advance('1s');
    terms[0]?.mayStillCommit(2000);
    await clock.advance('3s');
    stop.abort();
    await clock.advance('3.9s');
    expect(holder()).toBe('a');
    await clock.advance('200ms');
    expect(holder()).toBe('');
  });

  test('a loss that the thread sees is seen by the fence at once, also while the event loop is blocked', async () => {
    const { clock, server, terms, run, block } = given();
    void run();
    await clock.advance('1s');
    block();
    server.delete();
    await clock.advance('10ms');
    expect(terms[0]?.signal.aborted).toBe(false);
    expect(() => terms[0]?.assertHeld()).toThrow(/its Lease was deleted/);
  });

  test('a blocked replica does not become leader, and does once its loop turns', async () => {
    const { clock, server, terms, run, block, unblock, holder } = given();
    server.create({
      metadata: { ...KEY },
      spec: { holderIdentity: 'other', leaseDurationSeconds: 15, leaseTransitions: 3 },
    });
    void run();
    await clock.advance('10s');
    block();
    await clock.advance('30s');
    expect(holder()).toBe('other');
    unblock();
    await clock.advance('2s');
    expect(terms.map(({ number }) => number)).toEqual([4]);
  });

  test('stepping down lets others go first, and a handover names the heir', async () => {
    const { clock, server, elector, terms, run, holder } = given();
    void run();
    await clock.advance('1s');
    elector.handOver('pod-b');
    await clock.advance('500ms');
    expect(holder()).toBe('');
    expect(server.lease?.metadata.annotations).toEqual({ 'incumbent.dev/handover-to': 'pod-b' });
    expect(terms[0]?.signal.aborted).toBe(true);
    await clock.advance('10s');
    elector.stepDown();
    await clock.advance('10s');
    expect(terms.map(({ number }) => number)).toEqual([0, 1, 2]);
  });
});

describe('what goes wrong', () => {
  test('a thread that dies loses the term at once, and another one campaigns when the work has ended', async () => {
    const { clock, elector, terms, lines, threads, gauges, run, setWork } = given();
    let end = (): void => {};
    setWork(() => new Promise((resolve) => (end = resolve)));
    void run();
    await clock.advance('1s');
    threads[0]?.kill(new Error('out of memory'));
    await clock.advance('10ms');
    expect(() => terms[0]?.assertHeld()).toThrow(/the thread that renews it has ended/);
    expect(terms[0]?.signal.aborted).toBe(true);
    await clock.advance('10s');
    expect(threads).toHaveLength(1);
    end();
    await clock.advance('10ms');
    expect(elector.notReady()).toBe(
      'The thread that renews Lease operators/backup-controller is gone: out of memory.',
    );
    expect(gauges['leader_election_master_status']).toBe(0);
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      message: expect.stringMatching(/is gone: out of memory\. Another one starts in 1/),
    });
    await clock.advance('20s');
    expect(threads).toHaveLength(2);
    expect(terms.map(({ number }) => number)).toEqual([0, 1]);
  });

  test('a thread that dies unnoticed, because the loop is blocked, keeps no fence open beyond the deadline', async () => {
    const { clock, terms, threads, run, block } = given();
    void run();
    await clock.advance('1s');
    block();
    threads[0]?.kill();
    await clock.advance('20s');
    expect(() => terms[0]?.assertHeld()).toThrow(/could not be renewed in time/);
  });

  test('a thread that hangs is noticed by the clock: the signal aborts, and readiness and liveness say why', async () => {
    const { clock, elector, terms, threads, run } = given();
    void run();
    await clock.advance('1s');
    // Neither messages nor renewals nor heartbeats come from it any more.
    const pulse = new BigInt64Array(threads[0]?.data.pulse ?? new SharedArrayBuffer(0));
    const memory = terms[0]?.remaining();
    expect(memory).toBeGreaterThan(0);
    Object.defineProperty(clock, 'schedule', { value: () => () => {} });
    await clock.advance('30s');
    expect(pulse[1]).toBeLessThan(2_000_000n);
    expect(terms[0]?.signal.aborted).toBe(true);
    expect(elector.notReady()).toMatch(/has not answered for/);
    expect(elector.notLive()).toMatch(/has not answered for/);
  });

  test('work that ignores the end of its term is told to liveness', async () => {
    const { clock, elector, server, run, setWork } = given();
    setWork(() => new Promise(() => {}));
    void run();
    await clock.advance('1s');
    server.delete();
    await clock.advance('30s');
    expect(elector.notLive()).toBeUndefined();
    await clock.advance('15s');
    expect(elector.notLive()).toMatch(/term 0 of Lease operators\/backup-controller has not ended/);
  });

  test('work that throws unasked has the lease released, and then rejects the run', async () => {
    const { clock, run, setWork, holder } = given();
    setWork(async () => {
      throw new Error('no disk');
    });
    const running = run();
    await clock.advance('1s');
    await expect(running).rejects.toThrow('no disk');
    expect(holder()).toBe('');
  });

  test('following that throws ends the candidacy', async () => {
    const { clock, log, run } = given();
    const running = run(async () => {
      throw new Error('no cache');
    });
    await clock.advance('1s');
    await expect(running).rejects.toThrow('no cache');
    expect(log).not.toContain('leading 0');
  });

  test('a thread that can not connect from the start is a wrong configuration, later it is tried again', async () => {
    const wrong = given({}, { cannotConnect: true });
    await expect(wrong.run()).rejects.toMatchObject({ code: 'CONNECTION_CONFIG', message: 'No way.' });

    const later = given();
    void later.run();
    await later.clock.advance('1s');
    later.threads[0]?.fail('CONNECTION_CONFIG');
    await later.clock.advance('5s');
    expect(later.threads).toHaveLength(2);
  });

  test('stopping while no thread runs waits for none', async () => {
    const { clock, threads, stop, run } = given();
    const running = run();
    threads[0]?.kill();
    await clock.advance('100ms');
    stop.abort();
    await clock.advance('1ms');
    await running;
    expect(threads).toHaveLength(1);
  });

  test('timings and limits that do not fit are refused before anything starts', () => {
    expect(() => given({ mainThreadLimit: '500ms' })).toThrow(
      /mainThreadLimit \(500 ms\) must be at least 1000 ms/,
    );
    expect(() => given({ renewDeadline: '15s' })).toThrow(/leaseDuration/);
  });
});
