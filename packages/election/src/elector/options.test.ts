import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '@incumbent/core/testing';
import { containerIdentity, isEarlierRun, replicaIdentity, resolveIdentity } from './identity.js';
import { resolveTimings, timingsWarning } from './options.js';

describe('timings', () => {
  test.each([
    ['fast', 5000, 3000, 1500, 500],
    ['balanced', 15_000, 10_000, 5000, 1500],
    ['slow', 60_000, 45_000, 20_000, 5000],
  ] as const)(
    'the preset %s fits itself, without a warning',
    (preset, leaseDuration, renewDeadline, renewInterval, retryPeriod) => {
      const timings = resolveTimings({ preset });
      expect(timings).toMatchObject({ leaseDuration, renewDeadline, renewInterval, retryPeriod });
      expect(timingsWarning(timings)).toBeUndefined();
    },
  );

  test('an explicit undefined is a default', () => {
    expect(resolveTimings({ preset: undefined, leaseDuration: undefined, drainGrace: undefined })).toEqual(
      resolveTimings({}),
    );
  });

  test('the renew interval follows a renew deadline that is given', () => {
    expect(resolveTimings({ renewDeadline: '8s' }).renewInterval).toBe(4000);
  });

  test.each([
    [{ leaseDuration: '1.5s' }, 'ELECTION_LEASE_DURATION', /whole seconds/],
    [{ leaseDuration: 500 }, 'ELECTION_LEASE_DURATION', /at least 1/],
    [{ leaseDuration: '12s' }, 'ELECTION_LEASE_DURATION', /leaseDuration .* renewDeadline/],
    [{ renewInterval: '10s' }, 'ELECTION_RENEW_DEADLINE', /renewDeadline .* renewInterval/],
    [{ retryPeriod: '6s' }, 'ELECTION_RETRY_PERIOD', /retryPeriod .* renewInterval/],
    [{ retryPeriod: 0 }, 'ELECTION_RETRY_PERIOD', /above 0/],
    [{ preset: 'quick' as never }, 'ELECTION_PRESET', /fast, balanced or slow/],
    [{ leaseDuration: 'soon' as never }, 'DURATION_INVALID', /"soon" is not a duration/],
  ] as const)('%p is refused, and both fields are named', (options, code, message) => {
    expect(() => resolveTimings(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test('timings in which one failed renewal may end the term are warned of', () => {
    expect(timingsWarning(resolveTimings({ renewInterval: '8s' }))).toMatch(/one failed renewal/);
  });
});

describe('identity', () => {
  test('names the pod and its uid, and differs between electors of one pod', () => {
    const random = seededRandom(1);
    const environment = { POD_NAME: 'backup-0', POD_UID: '1b9d' };
    const [first, second] = [replicaIdentity(random, environment), replicaIdentity(random, environment)];
    expect(first).toMatch(/^backup-0_1b9d_[0-9a-z]{8}$/);
    expect(second).not.toBe(first);
  });

  test('names host and process where there is no pod', () => {
    expect(replicaIdentity(seededRandom(1), {})).toMatch(new RegExp(`_${process.pid}_[0-9a-z]{8}$`));
  });
});

describe('the identity of a container’s run', () => {
  const POD = { POD_NAME: 'backup-0', POD_UID: '1b9d' };
  const identityOf = (container: string, startedAt: string, environment = POD): string =>
    containerIdentity(container, seededRandom(Number(startedAt)), environment, { pid: 1, startedAt });

  test('is known to the next run of the same container of the same pod, and to nobody else', () => {
    const [mine, earlier] = [identityOf('manager', '200'), identityOf('manager', '100')];
    expect(isEarlierRun(earlier, mine)).toBe(true);
    const strangers = [
      mine,
      identityOf('manager', '200'),
      identityOf('sidecar', '100'),
      identityOf('manager', '100', { ...POD, POD_UID: '77aa' }),
      identityOf('manager', '100', { POD_NAME: 'backup-1', POD_UID: '1b9d' }),
      'backup-0_1b9d_abcdefgh',
      'backup-0_1b9d_manager',
      'backup-0_1b9d_manager_100',
      `${earlier}_more`,
      '',
    ];
    expect(strangers.filter((holder) => isEarlierRun(holder, mine))).toEqual([]);
  });

  test.each([
    [{}, { pid: 1, startedAt: '1' }, /POD_NAME and POD_UID/],
    [{ POD_NAME: 'backup-0' }, { pid: 1, startedAt: '1' }, /POD_NAME and POD_UID/],
    [POD, { pid: 7, startedAt: '1' }, /not the first of its container \(pid 7\)/],
    [POD, { pid: 1, startedAt: undefined }, /no \/proc\/self\/stat/],
  ] as const)('is refused where it proves nothing: %j, %j', (environment, run, message) => {
    expect(() => containerIdentity('manager', seededRandom(1), environment, run)).toThrow(
      expect.objectContaining({ code: 'ELECTION_RETAKE', message: expect.stringMatching(message) }),
    );
  });

  test('is refused together with an identity of one’s own, and outside of a container', () => {
    const random = seededRandom(1);
    expect(() => resolveIdentity({ identity: 'me', retakeFromContainer: 'manager' }, random)).toThrow(
      /give one of them/,
    );
    expect(() => resolveIdentity({ retakeFromContainer: 'manager' }, random)).toThrow(
      expect.objectContaining({ code: 'ELECTION_RETAKE' }),
    );
  });
});
