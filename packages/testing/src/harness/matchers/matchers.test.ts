import { describe, expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import '../jest.js';

/** Says how a claim fails, without colours. */
function failure(claim: () => void): string {
  try {
    claim();
  } catch (error) {
    return stripVTControlCharacters((error as Error).message);
  }
  throw new Error('the claim held');
}

const backup = {
  apiVersion: 'example.dev/v1',
  kind: 'Backup',
  metadata: { name: 'orders', namespace: 'shop', uid: 'u-1', generation: 3 },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', reason: 'BackedUp', message: 'All is well.', observedGeneration: 3 },
      {
        type: 'Verified',
        status: 'False',
        reason: 'Corrupt',
        message: 'Page 7 is torn.',
        observedGeneration: 2,
      },
      { type: 'Paused', status: 'Unknown' },
    ],
  },
};

describe('toHaveCondition', () => {
  test('takes type, status (True unless given) and reason', () => {
    expect(backup).toHaveCondition('Ready');
    expect(backup).toHaveCondition('Ready', 'True', 'BackedUp');
    expect(backup).toHaveCondition('Paused', 'Unknown');
    expect(backup).not.toHaveCondition('Ready', 'False');
    expect(backup).not.toHaveCondition('Ready', 'True', 'Waiting');
    expect(backup).not.toHaveCondition('Gone');
    expect({ metadata: {} }).not.toHaveCondition('Ready');
  });

  test('does not count a condition of an older generation', () => {
    expect(backup).not.toHaveCondition('Verified', 'False');
  });

  test('shows the conditions that there are, with their messages', () => {
    const message = failure(() => expect(backup).toHaveCondition('Verified', 'False', 'Corrupt'));
    expect(message).toContain('toHaveCondition(condition)');
    expect(message).toContain('Expected condition: "Verified False Corrupt"');
    expect(message).toContain('"Ready True BackedUp: All is well."');
    expect(message).toContain(
      '"Verified False Corrupt: Page 7 is torn. (of generation 2, the object is at 3)"',
    );
    expect(failure(() => expect({}).toHaveCondition('Ready'))).toContain('Received conditions: none');
    expect(failure(() => expect(backup).not.toHaveCondition('Ready'))).toMatch(
      /\.not\.toHaveCondition[^]*not "Ready True"/,
    );
  });

  test.each([undefined, null, 'text', []])(
    'fails for %p, with not too: nothing has no conditions',
    (nothing) => {
      expect(failure(() => expect(nothing).toHaveCondition('Ready'))).toMatch(/was it not there yet\?/);
      expect(failure(() => expect(nothing).not.toHaveCondition('Ready'))).toMatch(/was it not there yet\?/);
    },
  );
});

describe('toHaveEvent', () => {
  const events = [
    { type: 'Normal', reason: 'Greeted', message: 'Said hello.', count: 3, reportingComponent: 'greeter' },
    { type: 'Warning', reason: 'Refused', note: 'Said nothing.', reportingController: 'greeter' },
  ];

  test('takes a reason, or a pattern that one event must match as a whole', () => {
    expect(events).toHaveEvent('Greeted');
    expect(events).toHaveEvent({ type: 'Normal', message: /hello/, reportingComponent: 'greeter' });
    expect(events).toHaveEvent({ message: expect.stringContaining('hello') });
    expect(events).not.toHaveEvent({ type: 'Warning', reason: 'Greeted' });
    expect(events).not.toHaveEvent({ message: 'Said' });
    expect([]).not.toHaveEvent({});
  });

  test('reads the events of events.k8s.io, and lists', () => {
    expect({ items: events }).toHaveEvent({
      reason: 'Refused',
      message: 'Said nothing.',
      reportingComponent: 'greeter',
    });
  });

  test('gives the same answer for a pattern with a memory', () => {
    const message = /hello/g;
    expect(events).toHaveEvent({ message });
    expect(events).toHaveEvent({ message });
  });

  test('shows the events that there are', () => {
    const message = failure(() => expect(events).toHaveEvent({ reason: 'Left' }));
    expect(message).toContain('{"reason": "Left"}');
    expect(message).toContain('"Normal Greeted: Said hello. (3 times)"');
    expect(message).toContain('"Warning Refused: Said nothing."');
    expect(failure(() => expect([]).toHaveEvent('Left'))).toContain('Received events: none');
  });

  test('wants a list of Events, and says where to get one', () => {
    for (const other of [backup, undefined])
      expect(failure(() => expect(other).not.toHaveEvent('Greeted'))).toContain(
        'environment.eventsOf(object)',
      );
  });
});

describe('toBeOwnedBy', () => {
  const reference = { apiVersion: 'example.dev/v1', kind: 'Backup', name: 'orders', uid: 'u-1' };
  const owned = (more: object = {}, namespace = 'shop') => ({
    metadata: { name: 'job', namespace, ownerReferences: [{ ...reference, ...more }] },
  });

  test('goes by uid, name and kind', () => {
    expect(owned()).toBeOwnedBy(backup);
    expect(owned({ uid: 'u-2' })).not.toBeOwnedBy(backup);
    expect(owned({ name: 'other' })).not.toBeOwnedBy(backup);
    expect(owned({ kind: 'Restore' })).not.toBeOwnedBy(backup);
    expect(owned({ apiVersion: 'example.dev/v2' })).not.toBeOwnedBy(backup);
    expect({ metadata: {} }).not.toBeOwnedBy(backup);
  });

  test('takes an owner from a list, which has no kind there', () => {
    expect(owned()).toBeOwnedBy({ metadata: backup.metadata });
  });

  test('never holds for an owner without a uid', () => {
    expect(owned({ uid: undefined })).not.toBeOwnedBy({ metadata: { name: 'orders' } });
  });

  test('tells controllers from other owners when asked', () => {
    expect(owned({ controller: true })).toBeOwnedBy(backup, { controller: true });
    expect(owned()).not.toBeOwnedBy(backup, { controller: true });
  });

  test('does not hold across namespaces, and says what the garbage collector would do', () => {
    expect(failure(() => expect(owned({}, 'bank')).toBeOwnedBy(backup))).toContain(
      'The owner lives in namespace shop: the garbage collector would delete the object.',
    );
    expect(owned({}, 'bank')).toBeOwnedBy({ metadata: { name: 'orders', uid: 'u-1' } });
  });

  test('shows the owners that there are', () => {
    const message = failure(() => expect(owned({ uid: 'u-2', controller: true })).toBeOwnedBy(backup));
    expect(message).toContain('Expected owner: "Backup orders (u-1)"');
    expect(message).toContain('"Backup orders (u-2), its controller"');
    expect(failure(() => expect({}).toBeOwnedBy(backup))).toContain('Received owners: none');
  });

  test.each([undefined, 'orders'])('fails for the owner %p, with not too', (owner) => {
    expect(failure(() => expect(owned()).not.toBeOwnedBy(owner as unknown as object))).toMatch(
      /as the owner/,
    );
  });
});
