import { describe, expect, test } from '@jest/globals';
import { type KubernetesObject } from '../api/object.js';
import { type Resource, resource } from '../api/resource.js';
import { Client } from '../client/client.js';
import { FakeServer } from '../controller/fake-server.fake.js';
import { type LogFields, silentLogger } from '../kit/logger.js';
import { seededRandom } from '../kit/seeded-random.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { EventPublisher, type EventPublisherOptions } from './event-recorder.js';

const Widget: Resource = resource({ group: 'test.dev', version: 'v1', kind: 'Widget' });

function given(options: Partial<EventPublisherOptions> = {}) {
  const clock = new VirtualClock();
  const server = new FakeServer(clock);
  const dropped: LogFields[] = [];
  const publisher = new EventPublisher({
    writer: new Client(server).unfenced(),
    clock,
    random: seededRandom(1),
    log: { ...silentLogger, warn: (fields) => dropped.push(fields) },
    component: 'operator',
    instance: 'pod-0',
    ...options,
  });
  const object = (name: string, namespace: string | undefined = 'a') =>
    ({ metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '7' } }) as KubernetesObject;
  const recorder = publisher.recorderFor(Widget, object('x'), 'widgets');
  const events = () => server.where('/events');
  return { clock, server, publisher, recorder, object, events, dropped };
}

test('an Event says who speaks of what, why, and since when, in the form that kubectl describe shows', async () => {
  const { recorder, events } = given();
  recorder.warning('Broken', 'it broke', { action: 'Mending' });
  await settle();
  expect(events()).toEqual([
    expect.objectContaining({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: expect.objectContaining({
        namespace: 'a',
        name: expect.stringMatching(/^x\.[0-9a-z]{10}$/) as unknown,
      }) as unknown,
      involvedObject: {
        apiVersion: 'test.dev/v1',
        kind: 'Widget',
        namespace: 'a',
        name: 'x',
        uid: 'uid-x',
        resourceVersion: '7',
      },
      type: 'Warning',
      reason: 'Broken',
      message: 'it broke',
      action: 'Mending',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      reportingComponent: 'widgets',
      reportingInstance: 'pod-0',
      source: { component: 'widgets', host: 'pod-0' },
    }),
  ]);
});

test('an Event on a cluster-scoped object lives in the namespace default', async () => {
  const { publisher, object, events } = given();
  const { namespace: _, ...metadata } = object('node').metadata;
  publisher.recorderFor(Widget, { metadata }).normal('Seen', 'seen');
  await settle();
  expect(events()[0]?.metadata.namespace).toBe('default');
});

describe('the same remark again', () => {
  test('is counted, in as few requests as there are moments', async () => {
    const { recorder, events, server, clock } = given();
    for (let i = 0; i < 5; i++) recorder.normal('Seen', 'seen');
    await settle();
    await clock.advance('1m');
    recorder.normal('Seen', 'seen');
    await settle();
    expect(events()).toMatchObject([
      { count: 6, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:01:00Z' },
    ]);
    expect(server.writes).toHaveLength(2);
  });

  test('is a new Event after ten minutes of silence, or when the server has forgotten the old one', async () => {
    const { recorder, events, server, clock } = given();
    recorder.normal('Seen', 'seen');
    await clock.advance('10m');
    recorder.normal('Seen', 'seen');
    await settle();
    expect(events()).toHaveLength(2);
    const [, second] = events();
    server.delete(`/api/v1/namespaces/a/events/${second?.metadata.name}`);
    recorder.normal('Seen', 'seen');
    await settle();
    expect(events().map(({ count }) => count)).toEqual([1, 2]);
  });

  test('in other words, or on another object, is another Event', async () => {
    const { recorder, publisher, object, events } = given();
    recorder.normal('Seen', 'seen');
    recorder.normal('Seen', 'seen too');
    recorder.warning('Seen', 'seen');
    publisher.recorderFor(Widget, object('y'), 'widgets').normal('Seen', 'seen');
    await settle();
    expect(events()).toHaveLength(4);
  });
});

describe('a flood', () => {
  test('on one object is cut after 25, and trickles on with one in five minutes; other objects are not cut', async () => {
    const { recorder, publisher, object, events, clock } = given();
    for (let i = 0; i < 100; i++) recorder.normal('Seen', `number ${i}`);
    await settle();
    expect(events()).toHaveLength(25);
    publisher.recorderFor(Widget, object('y'), 'widgets').normal('Seen', 'seen');
    await clock.advance('5m');
    recorder.normal('Seen', 'late');
    recorder.normal('Seen', 'later');
    await settle();
    expect(events()).toHaveLength(27);
  });

  test('does not fill the memory: beyond its capacity Events are dropped, with a line in the log', async () => {
    const { recorder, events, dropped } = given({ capacity: 2 });
    for (let i = 0; i < 5; i++) recorder.normal('Seen', `number ${i}`);
    await settle();
    expect(events()).toHaveLength(2);
    expect(dropped).toHaveLength(3);
    expect(dropped[0]).toMatchObject({
      kind: 'Widget',
      object: 'a/x',
      reason: 'Seen',
      why: 'too many wait to be sent',
    });
  });
});

test('what was said of many other objects since is forgotten, so that the memory stays bounded', async () => {
  const { publisher, object, events } = given({ capacity: 10_000 });
  for (let i = 0; i < 4100; i++) publisher.recorderFor(Widget, object(`o${i}`)).normal('Seen', 'seen');
  for (let turn = 0; events().length < 4100 && turn < 10_000; turn++) await settle();
  publisher.recorderFor(Widget, object('o0')).normal('Seen', 'seen');
  publisher.recorderFor(Widget, object('o4000')).normal('Seen', 'seen');
  await settle();
  const of = (name: string) => events().filter((event) => event.metadata.name.startsWith(`${name}.`));
  expect([of('o0').length, of('o4000').length]).toEqual([2, 1]);
});

describe('a server that', () => {
  test('is away for a moment gets them later', async () => {
    const { recorder, events, server, clock } = given();
    server.intercept = () => ({ code: 503, reason: 'ServiceUnavailable' });
    recorder.normal('Seen', 'seen');
    await settle();
    server.intercept = () => undefined;
    await clock.advance('1s');
    expect(events()).toHaveLength(1);
  });

  test('refuses them, or stays away, costs a line in the log each and nothing else', async () => {
    const { recorder, server, clock, dropped, events } = given();
    server.intercept = () => ({ code: 403, reason: 'Forbidden' });
    recorder.normal('Seen', 'one');
    await settle();
    server.intercept = () => ({ code: 503, reason: 'ServiceUnavailable' });
    recorder.normal('Seen', 'two');
    await clock.advance('1m');
    expect([dropped.length, events().length]).toEqual([2, 0]);
    server.intercept = () => undefined;
    recorder.normal('Seen', 'two');
    await settle();
    expect(events()).toMatchObject([{ message: 'two', count: 2 }]);
  });
});

describe('stopping', () => {
  test('sends what waits, and ends recording', async () => {
    const { recorder, publisher, events, clock } = given();
    recorder.normal('Seen', 'one');
    recorder.normal('Seen', 'two');
    await publisher.stop('1s');
    recorder.normal('Seen', 'three');
    await settle();
    expect([events().length, clock.pending]).toEqual([2, 0]);
  });

  test('waits no longer than it may', async () => {
    const { recorder, publisher, server, clock, dropped } = given();
    server.intercept = () => ({ code: 503, reason: 'ServiceUnavailable' });
    recorder.normal('Seen', 'one');
    recorder.normal('Seen', 'two');
    let stopped = false;
    void publisher.stop('500ms').then(() => (stopped = true));
    await clock.advance('500ms');
    expect([stopped, dropped.length]).toEqual([true, 2]);
  });
});
