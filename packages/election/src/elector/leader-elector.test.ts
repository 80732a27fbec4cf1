import { describe, expect, test } from '@jest/globals';
import {
  type Lease,
  type LeadershipState,
  type Logger,
  RequestError,
  type Term,
} from '@incumbent/core/client';
import { VirtualClock, seededRandom, settle } from '@incumbent/core/testing';
import { recordOf } from '../lease/lease-record.js';
import { type Fault, FakeLeaseServer, type Request, apiError } from '../lease/lease-server.fake.js';
import { HANDOVER_REQUEST_ANNOTATION, handoverRequest } from './handover-request.js';
import { LeaderElector, type LeaderElectorOptions } from './leader-elector.js';

const KEY = { namespace: 'operators', name: 'backup-controller' };

/** D 15 s, N 10 s, R 5 s, P 1.5 s. */
function given(options: Partial<LeaderElectorOptions> = {}) {
  const clock = new VirtualClock();
  const server = new FakeLeaseServer(clock);
  const replica = (identity: string, own = clock, drain: Promise<void> = Promise.resolve()) => {
    const port = server.port(identity);
    const elector = new LeaderElector({
      ...KEY,
      ...options,
      identity,
      lease: port,
      clock: own,
      random: seededRandom(1),
    });
    const stop = new AbortController();
    const terms: Term[] = [];
    const log: string[] = [];
    const states: LeadershipState[] = [];
    elector.state$.subscribe((state) => states.push(state));
    const running = elector.run({
      leading: async (term) => {
        terms.push(term);
        log.push(`leading ${term.number}`);
        await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
        await drain;
        log.push(`ended ${term.number}`);
      },
      following: async (signal) => {
        log.push('following');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        log.push('followed');
      },
      signal: stop.signal,
    });
    return { port, elector, terms, log, states, stop: () => stop.abort(), running };
  };
  const holders = () => server.writes.map(({ lease }) => recordOf(lease).holder);
  return { clock, server, replica, holders };
}

/** A log whose lines are kept, each with its level in front. */
function recordingLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (_: unknown, message: string) => void lines.push(`${level} ${message}`);
  const log: Logger = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return { log, lines };
}

/** A Lease as somebody else holds it. */
function heldBy(
  holderIdentity: string,
  leaseDurationSeconds = 15,
  renewTime = '2026-01-01T00:00:00.000000Z',
) {
  return {
    metadata: { ...KEY },
    spec: { holderIdentity, leaseDurationSeconds, acquireTime: renewTime, renewTime, leaseTransitions: 7 },
  };
}

describe('acquiring', () => {
  test('a server that is slower than an attempt is waited for longer, and led on', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('gone'));
    const a = replica('a');
    // 2.4 s there and back; an attempt begins with 1.67 s.
    a.port.latency = 1200;
    await clock.advance('30s');
    expect(a.terms).toHaveLength(1);
    expect(a.elector.isLeader).toBe(true);
    expect(server.writes.length - 1).toBeLessThanOrEqual(3);
  });

  test('a lease that does not exist is created and led', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('100ms');
    expect(a.terms).toHaveLength(1);
    expect(server.lease?.spec).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
    expect(server.lease?.spec?.renewTime).toMatch(/\.\d{6}Z$/);
    expect(a.elector.isLeader).toBe(true);
  });

  test('who loses the race at creation follows, and overwrites nothing', async () => {
    const { clock, server, replica, holders } = given();
    const a = replica('a');
    const b = replica('b');
    await clock.advance('3s');
    expect(holders()).toEqual(['a']);
    expect([a.terms.length, b.terms.length]).toEqual([1, 0]);
    expect(b.states.at(-1)).toMatchObject({ phase: 'following', leader: 'a' });
    expect(server.writes).toHaveLength(1);
  });

  test('of two that find a lease expired one takes it over, and the other waits its whole duration anew', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('dead'));
    const a = replica('a');
    const b = replica('b');
    await clock.advance('16s');
    expect([a.terms.length, b.terms.length]).toEqual([1, 0]);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 8 });
    await clock.advance('60s');
    expect(server.writes.every(({ by }) => by !== 'b')).toBe(true);
  });

  test('a lease is not taken within its duration after its last change was seen, and is right after', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('dead'));
    const a = replica('a');
    await clock.advance('14.9s');
    expect(a.terms).toHaveLength(0);
    await clock.advance('200ms');
    expect(a.terms).toHaveLength(1);
  });

  test('expiry is judged by own observation: clocks that are an hour apart change nothing', async () => {
    for (const renewTime of ['2025-12-31T23:00:00.000000Z', '2026-01-01T01:00:00.000000Z']) {
      const { clock, server, replica } = given();
      server.create(heldBy('dead', 15, renewTime));
      const a = replica('a');
      await clock.advance('14.9s');
      expect(a.terms).toHaveLength(0);
      clock.stepWall(-3_600_000);
      await clock.advance('200ms');
      expect(a.terms).toHaveLength(1);
    }
  });

  test('the duration that counts is the one in the record, not our own', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('dead', 40));
    const a = replica('a');
    await clock.advance('39s');
    expect(a.terms).toHaveLength(0);
    await clock.advance('2s');
    expect(a.terms).toHaveLength(1);
  });

  test('labels that change prove no life: the countdown goes on', async () => {
    const { clock, server, replica } = given();
    const lease = server.create(heldBy('dead'));
    const a = replica('a');
    await clock.advance('10s');
    server.put({ ...lease, metadata: { ...lease.metadata, labels: { team: 'x' } } });
    await clock.advance('5.1s');
    expect(a.terms).toHaveLength(1);
    expect(server.lease?.metadata.labels).toEqual({ team: 'x' });
  });

  test('a record that names us but that we did not write is a stranger’s', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('a'));
    const a = replica('a');
    await clock.advance('14s');
    expect(a.terms).toHaveLength(0);
  });

  test('a lease without holder is free at once; one blanked by hand under a longer duration after that', async () => {
    const released = given();
    released.server.create(heldBy('', 1));
    const a = released.replica('a');
    await released.clock.advance('10ms');
    expect(a.terms).toHaveLength(1);

    const blanked = given();
    blanked.server.create(heldBy('', 15));
    const b = blanked.replica('b');
    await blanked.clock.advance('14.9s');
    expect(b.terms).toHaveLength(0);
    await blanked.clock.advance('200ms');
    expect(b.terms).toHaveLength(1);
  });

  test('fields that we do not know survive an acquisition', async () => {
    const { clock, server, replica } = given();
    const lease = server.create(heldBy('', 1));
    server.put({
      ...lease,
      spec: { ...lease.spec, strategy: 'OldestEmulationVersion', novelty: 1 } as never,
    });
    replica('a');
    await clock.advance('1s');
    expect(server.lease?.spec).toMatchObject({
      strategy: 'OldestEmulationVersion',
      novelty: 1,
      holderIdentity: 'a',
    });
  });

  test('a Lease deleted under a live holder is not created anew before the holder’s duration is over', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('other'));
    const a = replica('a');
    await clock.advance('5s');
    server.delete();
    await clock.advance('9.9s');
    expect(a.terms).toHaveLength(0);
    await clock.advance('300ms');
    expect(a.terms).toHaveLength(1);
    expect(server.lease?.spec?.leaseTransitions).toBe(8);
  });

  test('an acquisition whose answer is lost is retaken at once, as a new term', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    a.port.fault = ({ verb }) => (verb === 'create' ? 'answer lost' : undefined);
    await clock.advance('2s');
    expect(a.terms.map(({ number }) => number)).toEqual([1]);
    expect(server.writes.map(({ lease }) => lease.spec?.leaseTransitions)).toEqual([0, 1]);
  });

  test('a watch that RBAC forbids is replaced by reading at the retry period', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('other'));
    const a = replica('a');
    a.port.fault = ({ verb }) => (verb === 'watch' ? apiError(403, 'Forbidden') : undefined);
    await clock.advance('15.1s');
    expect(a.terms).toHaveLength(1);
    expect(a.port.requests.filter(({ verb }) => verb === 'watch')).toHaveLength(1);
  });

  test('a Retry-After longer than the lease duration keeps nobody away for longer than that', async () => {
    const { clock, server, replica } = given();
    server.create(heldBy('', 1));
    const a = replica('a');
    let refused = 0;
    a.port.fault = ({ verb }) =>
      verb === 'update' && refused++ === 0 ? apiError(429, 'TooManyRequests', 600_000) : undefined;
    await clock.advance('14s');
    expect(a.terms).toHaveLength(0);
    await clock.advance('2s');
    expect(a.terms).toHaveLength(1);
  });

  test('a watch that was forbidden is tried again after some minutes, and complained of once', async () => {
    const { log, lines } = recordingLog();
    const { clock, server, replica } = given({ log });
    server.create(heldBy('', 1));
    const a = replica('a');
    a.port.fault = ({ verb }) => (verb === 'watch' ? apiError(403, 'Forbidden') : undefined);
    await clock.advance('6m');
    expect(a.port.requests.filter(({ verb }) => verb === 'watch')).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('warn') && line.includes('"watch"'))).toHaveLength(1);
    a.port.fault = () => undefined;
    await clock.advance('10m');
    expect(a.port.requests.filter(({ verb }) => verb === 'watch')).toHaveLength(3);
  });

  test('a token lower than that of the last term is reported: etcd was restored', async () => {
    const { log, lines } = recordingLog();
    const { clock, server, replica } = given({ log });
    const a = replica('a');
    await clock.advance('1s');
    a.elector.stepDown();
    await clock.advance('1s');
    server.rewind(5);
    await clock.advance('5s');
    expect(a.terms.map(({ token }) => token)).toEqual(['101', '6']);
    expect(lines.filter((line) => line.includes('restored from a backup'))).toHaveLength(1);
  });

  test('a denied or failing server is asked again, for as long as it takes', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    a.port.fault = () => apiError(403, 'Forbidden');
    await clock.advance('5m');
    expect(a.elector.notReady()).toMatch(/RBAC denies "get".*resources \["leases"\]/);
    a.port.fault = () => undefined;
    await clock.advance('3s');
    expect(a.terms).toHaveLength(1);
    expect(a.elector.notReady()).toBeUndefined();
  });
});

describe('renewing', () => {
  test('the leader renews at the renew interval, and the term goes on', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('61s');
    expect(server.writes).toHaveLength(1 + 12);
    expect(a.terms).toHaveLength(1);
    expect(a.elector.isLeader).toBe(true);
    expect(server.lease?.spec?.leaseTransitions).toBe(0);
  });

  test('renewTime rises by at least a second a write, whatever the wall clock does', async () => {
    const { clock, server, replica } = given();
    replica('a');
    await clock.advance('6s');
    clock.stepWall(-600_000);
    await clock.advance('20s');
    const times = server.writes.map(({ lease }) => Date.parse(lease.spec?.renewTime ?? ''));
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(1000);
  });

  test('a renewal that fails is tried again, and the term survives an outage shorter than the rest of the deadline', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    await clock.advance('4.9s');
    a.port.fault = ({ verb }) => (verb === 'update' ? apiError(500, 'InternalError') : undefined);
    await clock.advance('4s');
    a.port.fault = () => undefined;
    await clock.advance('20s');
    expect(a.terms).toHaveLength(1);
    expect(a.elector.isLeader).toBe(true);
  });

  test('the term ends at the renew deadline after the last successful renewal was sent, and not later', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    await clock.advance('5.1s');
    a.port.fault = () => 'lost';
    await clock.advance('9.8s');
    const [term] = a.terms;
    expect(term?.remaining()).toBeGreaterThan(0);
    expect(term?.signal.aborted).toBe(false);
    await clock.advance('200ms');
    expect(() => term?.assertHeld()).toThrow(/Term 0.*is over/);
    expect(term?.signal.aborted).toBe(true);
    expect(a.elector.isLeader).toBe(false);
  });

  test('a process that was paused past the deadline is no leader when it wakes, before any timer ran', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    await clock.advance('6s');
    clock.stall('10s');
    expect(a.elector.isLeader).toBe(false);
    expect(() => a.terms[0]?.assertHeld()).toThrow(/is over/);
  });

  test('time in which the machine was suspended counts', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    await clock.advance('6s');
    clock.suspend('10s');
    expect(a.elector.isLeader).toBe(false);
  });

  test('a renewal that succeeds after the deadline does not revive its term', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    a.port.latency = 50;
    await clock.advance('5.17s');
    expect(server.writes).toHaveLength(2);
    clock.stall('10s');
    await clock.advance('1ms');
    expect(() => a.terms[0]?.assertHeld()).toThrow(/could not be renewed in time/);
    await clock.advance('2s');
    expect(a.terms.map(({ number }) => number)).toEqual([0, 1]);
    expect(() => a.terms[0]?.assertHeld()).toThrow(/is over/);
    expect(() => a.terms[1]?.assertHeld()).not.toThrow();
  });

  test('a renewal whose answer was lost counts from when it was sent, once a read shows it', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    let lost = 0;
    a.port.fault = ({ verb }) => (verb === 'update' && lost++ === 0 ? 'answer lost' : undefined);
    await clock.advance('30s');
    expect(a.terms).toHaveLength(1);
    expect(a.elector.isLeader).toBe(true);
  });

  test('labels that somebody sets in between cost one conflict, not the term', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    if (server.lease)
      server.put({ ...server.lease, metadata: { ...server.lease.metadata, labels: { seen: 'yes' } } });
    await clock.advance('20s');
    expect(a.terms).toHaveLength(1);
    expect(server.lease?.metadata.labels).toEqual({ seen: 'yes' });
  });

  test('a renewal that repeats a lost one to the letter counts from when the first was sent', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('4s');
    clock.stepWall(-600_000);
    let sent = 0;
    a.port.fault = ({ verb }) => (verb === 'update' && sent++ === 0 ? 'answer lost' : undefined);
    // Sent at 5 s, and taken effect; given up at 6.7 s and sent again.
    await clock.advance('2.8s');
    expect(server.writes).toHaveLength(2);
    a.port.fault = () => 'lost';
    await clock.advance('8.1s');
    expect(a.elector.isLeader).toBe(true);
    await clock.advance('150ms');
    expect(a.elector.isLeader).toBe(false);
  });

  test.each([
    // An attempt every 1.5 s, and a last one 0.375 s before the deadline.
    ['refused', 'error', [5001, 6501, 8001, 9501, 9626]],
    // Each takes a third of 5 s; the third ends early enough for a fourth.
    ['not answered', 'silence', [5001, 6668, 8334, 9626]],
  ] as const)(
    'renewals that are %s go on up to the deadline, and the last one is in time',
    async (_, how, starts) => {
      const { clock, replica } = given();
      const a = replica('a');
      a.port.latency = 0;
      await clock.advance('4s');
      const sent: number[] = [];
      let over = Number.POSITIVE_INFINITY;
      a.port.fault = ({ verb }) => {
        if (verb !== 'update') return undefined;
        if (a.elector.isLeader) sent.push(Math.round(clock.monotonic()));
        if (clock.monotonic() >= over) return undefined;
        return how === 'silence' ? 'lost' : apiError(503, 'ServiceUnavailable');
      };
      await clock.advance('6.1s');
      expect(sent).toEqual(starts);
      expect(a.elector.isLeader).toBe(false);

      const second = given();
      const b = second.replica('b');
      b.port.latency = 0;
      b.port.fault = ({ verb }) =>
        verb === 'update' && second.clock.monotonic() < 9600
          ? how === 'silence'
            ? 'lost'
            : apiError(503, 'ServiceUnavailable')
          : undefined;
      await second.clock.advance('15s');
      expect([b.terms.length, b.elector.isLeader]).toEqual([1, true]);
    },
  );

  test('what fails at once, without any time passing, is not repeated without end', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    a.port.latency = 0;
    await clock.advance('4s');
    let attempts = 0;
    a.port.update = () => {
      attempts++;
      return Promise.reject(new Error('not even sent'));
    };
    await clock.advance('7s');
    expect(attempts).toBeLessThan(8);
  });

  test('a conflict where nothing has changed is no reason to hurry', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    await clock.advance('4s');
    a.port.fault = ({ verb }) => (verb === 'update' ? apiError(409, 'Conflict') : undefined);
    const before = a.port.requests.length;
    await clock.advance('5s');
    expect(a.port.requests.slice(before).filter(({ verb }) => verb === 'update')).toHaveLength(3);
  });

  test('a Retry-After beyond the deadline is not obeyed to the point of losing the lease', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    let refused = 0;
    a.port.fault = ({ verb }) =>
      verb === 'update' && refused++ === 0 ? apiError(429, 'TooManyRequests', 60_000) : undefined;
    await clock.advance('30s');
    expect(a.terms).toHaveLength(1);
  });
});

describe('losing', () => {
  test('a spec that the leader did not write ends its term at once', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    if (server.lease)
      server.put({ ...server.lease, spec: { ...server.lease.spec, holderIdentity: 'intruder' } });
    await clock.advance('10ms');
    expect(a.terms[0]?.signal.aborted).toBe(true);
    expect(() => a.terms[0]?.assertHeld()).toThrow(/somebody else wrote/);
  });

  test('a record of an earlier own term that a restore of etcd brings back ends the term', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    const first = server.lease;
    a.elector.stepDown();
    await clock.advance('4s');
    expect(a.terms.map(({ number }) => number)).toEqual([0, 1]);
    if (first) server.put(first, 'restore');
    await clock.advance('10ms');
    expect(() => a.terms[1]?.assertHeld()).toThrow(/somebody else wrote/);
    await clock.advance('1s');
    expect(a.terms.map(({ number }) => number)).toEqual([0, 1, 1]);
  });

  test('a deleted Lease ends the term, and its holder may create it anew when its work has ended', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    server.delete();
    await clock.advance('2s');
    expect(a.terms.map(({ number }) => number)).toEqual([0, 1]);
    expect(server.lease?.metadata.uid).toBe('uid-2');
  });

  test('loss is not death: the same process campaigns again, and wins a new term', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    a.port.fault = () => 'lost';
    await clock.advance('20s');
    a.port.fault = () => undefined;
    await clock.advance('5s');
    expect(a.terms.map(({ number }) => number)).toEqual([0, 1]);
    expect(a.log).toEqual([
      'following',
      'followed',
      'leading 0',
      'ended 0',
      'following',
      'followed',
      'leading 1',
    ]);
  });

  test('after a loss no new term begins while a write of the old one may still take effect', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    a.terms[0]?.mayStillCommit(4000);
    server.delete();
    await clock.advance('8.9s');
    expect(a.terms).toHaveLength(1);
    await clock.advance('1s');
    expect(a.terms).toHaveLength(2);
  });

  test('no second term begins while the work of the first still runs', async () => {
    const { clock, replica } = given();
    let end = (): void => {};
    const a = replica('a', clock, new Promise((resolve) => (end = resolve)));
    await clock.advance('1s');
    a.port.fault = () => 'lost';
    await clock.advance('15s');
    a.port.fault = () => undefined;
    await clock.advance('60s');
    expect(a.terms).toHaveLength(1);
    expect(a.elector.notLive()).toMatch(/has not ended/);
    end();
    await clock.advance('5s');
    expect(a.terms).toHaveLength(2);
    expect(a.elector.notLive()).toBeUndefined();
  });

  test('another replica leads within the lease duration after the last renewal of one that died', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    const b = replica('b');
    await clock.advance('7s');
    a.port.fault = () => 'lost';
    const last = server.writes.at(-1)?.at ?? 0;
    await clock.advance('15s');
    expect(b.terms).toHaveLength(1);
    expect((server.writes.at(-1)?.at ?? 0) - last).toBeLessThanOrEqual(15_010);
  });
});

describe('a lock delay', () => {
  test('holds the work of a successor back, and not the renewals; after a release there is none', async () => {
    const { clock, server, replica } = given({ lockDelay: '20s' });
    server.create(heldBy('dead'));
    const a = replica('a');
    await clock.advance('34.9s');
    expect([a.terms.length, a.elector.isLeader, a.elector.sittingOut]).toEqual([0, false, true]);
    expect(a.states.at(-1)).toMatchObject({ phase: 'following', leader: 'a' });
    expect(server.writes.length).toBeGreaterThan(4);
    await clock.advance('200ms');
    expect([a.terms.length, a.elector.isLeader, a.elector.sittingOut]).toEqual([1, true, false]);
    const b = replica('b');
    a.stop();
    await clock.advance('1s');
    expect(b.terms).toHaveLength(1);
  });

  test('is sat out also by one that is asked to stop: only then is the lease released, and nothing was begun', async () => {
    const { clock, server, replica } = given({ lockDelay: '20s' });
    server.create(heldBy('dead'));
    const a = replica('a');
    await clock.advance('20s');
    a.stop();
    await clock.advance('14.9s');
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    await clock.advance('200ms');
    await a.running;
    expect([server.lease?.spec?.holderIdentity, a.terms.length]).toEqual(['', 0]);
    expect(clock.pending).toBe(0);
  });

  test('begins anew for one that lost the lease in the middle of it', async () => {
    const { clock, server, replica } = given({ lockDelay: '20s' });
    server.create(heldBy('dead'));
    const a = replica('a');
    await clock.advance('30s');
    server.delete();
    await clock.advance('19.9s');
    expect([a.terms.length, server.lease?.spec?.holderIdentity]).toEqual([0, 'a']);
    await clock.advance('2s');
    expect(a.terms).toHaveLength(1);
  });

  test('is owed also where the lease had to be taken twice, because the first answer was lost', async () => {
    const { clock, server, replica } = given({ lockDelay: '20s' });
    server.create(heldBy('dead'));
    const a = replica('a');
    let lost = 0;
    a.port.fault = ({ verb }) => (verb === 'update' && lost++ === 0 ? 'answer lost' : undefined);
    await clock.advance('34s');
    expect([a.terms.length, server.lease?.spec?.leaseTransitions]).toEqual([0, 9]);
    await clock.advance('4s');
    expect(a.terms).toHaveLength(1);
  });

  test('is owed to a holder whose name was removed from the Lease by hand', async () => {
    const { clock, server, replica } = given({ lockDelay: '20s' });
    server.create(heldBy('', 15));
    const a = replica('a');
    await clock.advance('34.9s');
    expect(a.terms).toHaveLength(0);
    await clock.advance('200ms');
    expect(a.terms).toHaveLength(1);
  });

  test('is not owed after an own term that was lost: its work has ended', async () => {
    const { clock, replica } = given({ lockDelay: '20s' });
    const a = replica('a');
    await clock.advance('1s');
    a.port.fault = () => 'lost';
    await clock.advance('20s');
    a.port.fault = () => undefined;
    await clock.advance('5s');
    expect(a.terms).toHaveLength(2);
  });
});

describe('releasing', () => {
  test('a graceful stop hands over in one round trip', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    const b = replica('b');
    await clock.advance('3s');
    a.stop();
    await clock.advance('10ms');
    await a.running;
    const [, release, takeover] = server.writes;
    expect(release?.lease.spec).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 0,
    });
    expect(takeover?.lease.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    expect((takeover?.at ?? 0) - (release?.at ?? 0)).toBeLessThanOrEqual(2);
    expect(b.terms).toHaveLength(1);
  });

  test('the lease is released only after the work has ended, and renewed until then', async () => {
    const { clock, server, replica } = given();
    let end = (): void => {};
    const a = replica('a', clock, new Promise((resolve) => (end = resolve)));
    await clock.advance('1s');
    a.stop();
    await clock.advance('20s');
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    expect(() => a.terms[0]?.assertHeld()).not.toThrow();
    end();
    await clock.advance('1s');
    expect(server.lease?.spec?.holderIdentity).toBe('');
    expect(() => a.terms[0]?.assertHeld()).toThrow(/its work has ended/);
  });

  test('work that ignores its end past the grace is not released: the lease lapses', async () => {
    const { clock, server, replica } = given({ drainGrace: '5s' });
    const a = replica('a', clock, new Promise(() => {}));
    const b = replica('b');
    await clock.advance('1s');
    a.stop();
    await clock.advance('35s');
    expect(server.writes.map(({ lease }) => recordOf(lease).holder)).not.toContain('');
    expect(b.terms).toHaveLength(1);
    expect(() => a.terms[0]?.assertHeld()).toThrow(/is over/);
  });

  test('a release never touches a successor’s lease', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    a.port.fault = ({ verb }) => (verb === 'watch' ? 'lost' : undefined);
    if (server.lease)
      server.put({ ...server.lease, spec: { ...server.lease.spec, holderIdentity: 'successor' } });
    a.stop();
    await clock.advance('30s');
    await a.running;
    expect(server.lease?.spec?.holderIdentity).toBe('successor');
    expect(server.writes.filter(({ by }) => by === 'a')).toHaveLength(1);
  });

  test('nothing is released after the loss of the lease', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    a.port.fault = () => 'lost';
    await clock.advance('12s');
    a.stop();
    a.port.fault = () => undefined;
    await clock.advance('5s');
    await a.running;
    expect(server.writes.map(({ lease }) => recordOf(lease).holder)).toEqual(['a']);
  });

  test('a write whose answer was lost holds the release back until it can no longer take effect: its timeout, and the longest transit', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    a.terms[0]?.mayStillCommit(4000);
    a.stop();
    await clock.advance('8.9s');
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    await clock.advance('200ms');
    expect(server.lease?.spec?.holderIdentity).toBe('');
  });

  test('a write that the work left under way holds the release back until it is answered, and no longer', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    const settle = a.terms[0]?.mayStillCommit(8000);
    const other = a.terms[0]?.mayStillCommit(8000);
    a.stop();
    await clock.advance('1s');
    settle?.();
    await clock.advance('1s');
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    expect(() => a.terms[0]?.assertHeld()).toThrow(/its work has ended/);
    other?.();
    await clock.advance('10ms');
    expect(server.lease?.spec?.holderIdentity).toBe('');
    await a.running;
  });

  test('of writes under way and lost ones, the release waits for the last', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    a.terms[0]?.mayStillCommit(1000);
    const settle = a.terms[0]?.mayStillCommit(9000);
    a.stop();
    await clock.advance('2s');
    settle?.();
    await clock.advance('3.9s');
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    await clock.advance('200ms');
    expect(server.lease?.spec?.holderIdentity).toBe('');
  });

  test('a release whose answer was lost is not released again', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    await clock.advance('1s');
    let lost = 0;
    a.port.fault = ({ verb }) => (verb === 'update' && lost++ < 2 ? 'answer lost' : undefined);
    a.stop();
    await clock.advance('10s');
    await a.running;
    expect(server.writes.map(({ lease }) => recordOf(lease).holder)).toEqual(['a', '']);
  });

  test('stepping down before the work has begun is a step down: the work is never called', async () => {
    const clock = new VirtualClock();
    const server = new FakeLeaseServer(clock);
    const elector = new LeaderElector({ ...KEY, identity: 'a', lease: server.port('a'), clock });
    const log: string[] = [];
    const stop = new AbortController();
    const running = elector.run({
      leading: async (term) => {
        log.push(`leading ${term.number}, ${term.signal.aborted ? 'over' : 'held'}`);
        await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
      },
      following: async (signal) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await new Promise<void>((resolve) => clock.schedule(500, resolve));
      },
      signal: stop.signal,
    });
    await clock.advance('100ms');
    expect(elector.isLeader).toBe(true);
    elector.stepDown();
    await clock.advance('1s');
    expect([log, server.lease?.spec?.holderIdentity]).toEqual([[], '']);
    await clock.advance('5s');
    expect(log).toEqual(['leading 1, held']);
    stop.abort();
    await clock.advance('1s');
    await running;
  });

  test('work that ends while a renewal is under way is released right after it, not a retry period later', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    a.port.latency = 50;
    await clock.advance('5.17s');
    expect(server.writes).toHaveLength(2);
    a.stop();
    await clock.advance('200ms');
    expect(server.lease?.spec?.holderIdentity).toBe('');
  });

  test('stepping down lets another replica go first', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    const b = replica('b');
    await clock.advance('1s');
    a.elector.stepDown();
    await clock.advance('1s');
    expect(b.terms).toHaveLength(1);
    expect(a.terms).toHaveLength(1);
    expect(a.elector.isLeader).toBe(false);
  });

  test('a handover goes to the replica it names, and the winner clears the name', async () => {
    const { clock, server, replica } = given();
    const a = replica('a');
    const b = replica('b');
    const c = replica('pod-c_uid_x');
    c.port.latency = 200;
    await clock.advance('1s');
    a.elector.handOver('pod-c');
    await clock.advance('1.4s');
    expect(c.terms).toHaveLength(1);
    expect(b.terms).toHaveLength(0);
    expect(server.lease?.metadata.annotations).toEqual({});
  });

  describe('asked for a handover by an annotation on the Lease', () => {
    const annotate = (server: FakeLeaseServer, request: string): void => {
      const lease = server.lease as Lease;
      const annotations = { ...lease.metadata.annotations, [HANDOVER_REQUEST_ANNOTATION]: request };
      server.put({ ...lease, metadata: { ...lease.metadata, annotations } });
    };

    test('the leader releases in favour of the one named, at once and in one write, and the winner clears the request', async () => {
      const { clock, server, replica, holders } = given();
      const [a, b, c] = [replica('a'), replica('b'), replica('pod-c_uid_x')];
      c.port.latency = 200;
      await clock.advance('1s');
      annotate(server, handoverRequest(0, 'pod-c'));
      await clock.advance('1s');
      expect([a.terms.length, b.terms.length, c.terms.length]).toEqual([1, 0, 1]);
      expect(holders()).toEqual(['a', 'a', '', 'pod-c_uid_x']);
      expect(server.lease?.metadata.annotations).toEqual({});
    });

    test('nobody named: anybody else is next', async () => {
      const { clock, server, replica } = given();
      const [a, b] = [replica('a'), replica('b')];
      await clock.advance('1s');
      annotate(server, handoverRequest(0));
      await clock.advance('100ms');
      expect([a.terms.length, b.terms.length]).toEqual([1, 1]);
    });

    test('while a renewal is under way it is heeded too', async () => {
      const { clock, server, replica } = given();
      const [a, b] = [replica('a'), replica('b')];
      a.port.latency = 50;
      await clock.advance('5.12s');
      annotate(server, handoverRequest(0));
      await clock.advance('3s');
      expect([a.terms.length, b.terms.length]).toEqual([1, 1]);
    });

    test.each([handoverRequest(1), handoverRequest(10), '0', 'please/b', ''])(
      '"%s" is not for the leader of term 0, who goes on and renews',
      async (request) => {
        const { clock, server, replica } = given();
        const a = replica('a');
        await clock.advance('1s');
        annotate(server, request);
        await clock.advance('30s');
        expect(a.terms).toHaveLength(1);
        expect(a.elector.isLeader).toBe(true);
      },
    );
  });

  test('work that fails unasked releases the lease and rejects the run', async () => {
    const clock = new VirtualClock();
    const server = new FakeLeaseServer(clock);
    const elector = new LeaderElector({ ...KEY, identity: 'a', lease: server.port('a'), clock });
    const running = elector.run({
      leading: async () => Promise.reject(new Error('boom')),
      signal: new AbortController().signal,
    });
    running.catch(() => {});
    await clock.advance('1s');
    await expect(running).rejects.toThrow('boom');
    expect(server.lease?.spec?.holderIdentity).toBe('');
    await settle();
    expect(clock.pending).toBe(0);
  });

  test('a stopped elector leaves no timer behind', async () => {
    const { clock, replica } = given();
    const a = replica('a');
    const b = replica('b');
    await clock.advance('7s');
    a.stop();
    b.stop();
    await clock.advance('5s');
    await Promise.all([a.running, b.running]);
    expect(clock.pending).toBe(0);
  });
});

describe('whatever goes wrong with a request', () => {
  const CAUSES: readonly (readonly [string, Fault, RegExp])[] = [
    ['a hang', 'lost', /no answer\. The attempt is repeated on a new connection/],
    ['a lost answer', 'answer lost', /no answer\. The attempt is repeated on a new connection/],
    ['a conflict (409)', apiError(409, 'Conflict'), /somebody else wrote it first; it is read again/],
    [
      '429 with a Retry-After beyond the deadline',
      apiError(429, 'TooManyRequests', 600_000),
      /asks to wait 600000 ms/,
    ],
    [
      'a denial (403)',
      apiError(403, 'Forbidden'),
      /RBAC denies "\w+"\. Add to a Role in namespace operators .*"coordination.k8s.io".*"leases".*verbs \["\w+"\]/,
    ],
    ['404', apiError(404, 'NotFound'), /not found; does namespace operators exist\?/],
    [
      '500',
      apiError(500, 'InternalError'),
      /InternalError \(500.*a problem of its own: the attempt is repeated/,
    ],
    ['503', apiError(503, 'ServiceUnavailable'), /ServiceUnavailable \(503.*the attempt is repeated/],
    ['504', apiError(504, 'Timeout'), /Timeout \(504.*the attempt is repeated/],
    [
      'an expired token (401)',
      apiError(401, 'Unauthorized'),
      /does not accept our credentials; they are read again/,
    ],
    [
      'a connection that is cut',
      new RequestError('REQUEST_FAILED', 'server: the connection was cut.', true),
      /the connection was cut\. The attempt is repeated\./,
    ],
  ];
  /** What concerns the first two writes. */
  const twice = (fault: Fault) => {
    let left = 2;
    return ({ verb }: Request): Fault | undefined =>
      (verb === 'create' || verb === 'update') && left-- > 0 ? fault : undefined;
  };

  test.each(CAUSES)('%s delays an acquisition, and is told with its remedy', async (name, fault, line) => {
    const { log, lines } = recordingLog();
    const { clock, replica } = given({ log });
    const a = replica('a');
    a.port.fault = twice(fault);
    // A Retry-After counts for up to a lease duration, each time.
    await clock.advance('35s');
    expect(a.elector.isLeader).toBe(true);
    // A race that was lost is nothing to complain of.
    expect([name, lines.some((text) => line.test(text))]).toEqual([name, name !== 'a conflict (409)']);
  });

  test.each(CAUSES)(
    '%s delays a renewal, which is made before the deadline, and is told',
    async (_, fault, line) => {
      const { log, lines } = recordingLog();
      const { clock, replica } = given({ log });
      const a = replica('a');
      await clock.advance('4s');
      a.port.fault = twice(fault);
      await clock.advance('40s');
      expect([a.terms.length, a.elector.isLeader]).toEqual([1, true]);
      expect(lines.filter((text) => text.startsWith('warn')).join('\n')).toMatch(line);
    },
  );

  test.each(CAUSES)(
    '%s delays a release, which is made before the deadline, and is told',
    async (_, fault, line) => {
      const { log, lines } = recordingLog();
      const { clock, server, replica } = given({ log });
      const a = replica('a');
      await clock.advance('4s');
      a.port.fault = twice(fault);
      a.stop();
      await clock.advance('6s');
      await a.running;
      expect(server.lease?.spec?.holderIdentity).toBe('');
      expect(lines.join('\n')).toMatch(new RegExp(`Not released yet\\. .*${line.source}`));
    },
  );

  test.each(CAUSES.filter(([, fault]) => fault !== 'answer lost'))(
    '%s that does not end leaves the lease to lapse, and the run ends all the same',
    async (_, fault) => {
      const { clock, server, replica } = given();
      const a = replica('a');
      await clock.advance('4s');
      a.port.fault = ({ verb }) => (verb === 'update' ? fault : undefined);
      a.stop();
      await clock.advance('20s');
      await a.running;
      expect(server.lease?.spec?.holderIdentity).toBe('a');
      expect(clock.pending).toBe(0);
    },
  );
});

describe('step by step', () => {
  /** An elector that a caller drives, call by call. */
  function stepping(options: Partial<LeaderElectorOptions> = {}) {
    const clock = new VirtualClock();
    const server = new FakeLeaseServer(clock);
    const port = server.port('a');
    const { log, lines } = recordingLog();
    const elector = new LeaderElector({
      ...KEY,
      identity: 'a',
      lease: port,
      clock,
      log,
      random: seededRandom(1),
      ...options,
    });
    const until = async <T>(promise: Promise<T>): Promise<T> => {
      let done = false;
      void promise.finally(() => (done = true)).catch(() => {});
      for (let turn = 0; !done && turn < 20_000; turn++) await clock.advance(1);
      return promise;
    };
    const step = (): Promise<boolean> => until(elector.tryAcquireOrRenew());
    const verbs = () => port.requests.splice(0).map(({ verb }) => verb);
    return { clock, server, port, elector, lines, step, until, verbs };
  }

  test('a Lease that is absent or released is read and taken in one call, and renewed by one request in each later one', async () => {
    const { clock, server, elector, step, verbs } = stepping();
    expect(await step()).toBe(true);
    expect(verbs()).toEqual(['get', 'create']);
    const { term } = elector;
    for (let turn = 0; turn < 10; turn++) {
      await clock.advance('2s');
      expect(await step()).toBe(true);
      expect(verbs()).toEqual(['update']);
    }
    expect(elector.term).toBe(term);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
  });

  test('a held lease is only noted at first sight, and taken by a call once it has not changed for its duration', async () => {
    const { clock, server, elector, step } = stepping();
    server.create(heldBy('dead'));
    for (let turn = 0; turn < 7; turn++) {
      expect(await step()).toBe(false);
      await clock.advance('2s');
    }
    expect([server.writes.length, elector.term]).toEqual([1, undefined]);
    await clock.advance('1s');
    expect(await step()).toBe(true);
    expect(server.lease?.spec?.leaseTransitions).toBe(8);
  });

  test('a renewal that fails takes no lead away before the deadline, and then the term is over without any call', async () => {
    const { clock, elector, port, step } = stepping();
    await step();
    const term = elector.term as Term;
    port.fault = () => apiError(500, 'InternalError');
    for (let turn = 0; turn < 4; turn++) {
      await clock.advance('2s');
      expect(await step()).toBe(true);
    }
    expect(term.signal.aborted).toBe(false);
    await clock.advance('2s');
    expect(term.signal.aborted).toBe(true);
    expect(() => term.assertHeld()).toThrow(/could not be renewed in time/);
    expect([elector.isLeader, elector.term, await step()]).toEqual([false, undefined, false]);
    port.fault = () => undefined;
    await clock.advance('2s');
    expect(await step()).toBe(true);
    expect(elector.term?.number).toBe(1);
  });

  test('a renewal that gets no answer ends in time for the next call', async () => {
    const { clock, port, step } = stepping();
    await step();
    port.fault = () => 'lost';
    const before = clock.monotonic();
    expect(await step()).toBe(true);
    expect(clock.monotonic() - before).toBeLessThan(1700);
  });

  test('a lease that somebody else took is lost in the call that finds it, and not fought for', async () => {
    const { clock, server, elector, step } = stepping();
    await step();
    const term = elector.term as Term;
    await clock.advance('1s');
    if (server.lease)
      server.put({ ...server.lease, spec: { ...server.lease.spec, holderIdentity: 'intruder' } });
    expect(await step()).toBe(false);
    expect(() => term.assertHeld()).toThrow(/somebody else wrote/);
    expect(await step()).toBe(false);
    expect(server.lease?.spec?.holderIdentity).toBe('intruder');
  });

  test('labels that somebody set in between cost a read, and not the term: the next call renews', async () => {
    const { clock, server, step, verbs } = stepping();
    await step();
    await clock.advance('1s');
    if (server.lease)
      server.put({ ...server.lease, metadata: { ...server.lease.metadata, labels: { team: 'x' } } });
    verbs();
    expect(await step()).toBe(true);
    expect(verbs()).toEqual(['update', 'get']);
    expect(await step()).toBe(true);
    expect(verbs()).toEqual(['update']);
    expect(server.lease?.metadata.labels).toEqual({ team: 'x' });
  });

  test('a release hands the lease on, lets others go first, and a later call takes part again', async () => {
    const { clock, server, elector, step, until } = stepping();
    await step();
    const term = elector.term as Term;
    expect(await until(elector.release())).toBe(true);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(() => term.assertHeld()).toThrow(/its work has ended/);
    expect(await step()).toBe(false);
    await clock.advance('3s');
    expect(await step()).toBe(true);
    expect(await until(elector.release())).toBe(true);
    expect(clock.pending).toBe(0);
    expect(await until(elector.release())).toBe(false);
  });

  test('a lock delay keeps calls from leading, and a release waits for its end', async () => {
    const { clock, server, elector, step, until } = stepping({ lockDelay: '20s' });
    server.create(heldBy('dead'));
    await step();
    await clock.advance('15s');
    for (let turn = 0; turn < 4; turn++) {
      expect([await step(), elector.term, elector.sittingOut]).toEqual([false, undefined, true]);
      await clock.advance('4s');
    }
    expect(server.lease?.spec?.holderIdentity).toBe('a');
    const before = clock.monotonic();
    expect(await until(elector.release())).toBe(true);
    expect(clock.monotonic() - before).toBeGreaterThan(3000);
    await clock.advance('3s');
    expect(await step()).toBe(true);
  });

  test('a renewal of work that was asked to step down goes on until it is released, or its grace is over', async () => {
    const { clock, server, elector, step, until } = stepping({ drainGrace: '5s' });
    await step();
    const { term } = elector;
    elector.stepDown();
    await clock.advance('2s');
    expect([await step(), term?.signal.aborted, elector.term]).toEqual([true, true, term]);
    const { length } = server.writes;
    await clock.advance('4s');
    expect(await step()).toBe(true);
    expect(server.writes).toHaveLength(length);
    expect(await until(elector.release())).toBe(true);
  });

  test('calls that overlap are one, and so is a release that overlaps with one', async () => {
    const { server, elector, until } = stepping();
    const [first, second, released] = await until(
      Promise.all([elector.tryAcquireOrRenew(), elector.tryAcquireOrRenew(), elector.release()]),
    );
    expect([first, second, released]).toEqual([true, true, true]);
    expect(server.writes.map(({ lease }) => recordOf(lease).holder)).toEqual(['a', '']);
  });

  test('what goes wrong is logged, and never thrown', async () => {
    const { port, step, lines, clock } = stepping();
    port.fault = () => apiError(403, 'Forbidden');
    expect(await step()).toBe(false);
    await clock.advance('2s');
    expect(await step()).toBe(false);
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(/RBAC denies "get"/),
    ]);
  });

  test('an elector is either run or driven', async () => {
    const { elector, step } = stepping();
    await step();
    const { signal } = new AbortController();
    await expect(elector.run({ leading: async () => {}, signal })).rejects.toMatchObject({
      code: 'ELECTION_DRIVEN',
    });
    const other = stepping();
    const stop = new AbortController();
    const running = other.elector.run({ leading: async () => {}, signal: stop.signal });
    await expect(other.elector.tryAcquireOrRenew()).rejects.toMatchObject({ code: 'ELECTION_DRIVEN' });
    await expect(other.elector.release()).rejects.toMatchObject({ code: 'ELECTION_DRIVEN' });
    stop.abort();
    await other.until(running);
  });
});
