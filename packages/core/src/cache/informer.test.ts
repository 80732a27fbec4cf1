import { afterEach, describe, expect, test } from '@jest/globals';
import { type Logger, silentLogger } from '../kit/logger.js';
import { seededRandom } from '../kit/seeded-random.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { apiError, FakeApi, gone, refused, type Widget, WIDGET } from '../watch/fake-api.fake.js';
import { InformerCache } from './cache.js';
import type { Cached } from './cached.js';
import type { InformerHandler } from './handlers.js';
import { Informer, type InformerOptions } from './informer.js';
import { type InformerEvent, observable } from './observable.js';
import { Memory } from './stored-object.js';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const byParity = (widget: Cached<Widget>): string[] => [widget.spec.value % 2 === 0 ? 'even' : 'odd'];

async function given(
  prepare: (api: FakeApi) => void = () => {},
  options: Partial<InformerOptions<Widget, 'parity'>> = {},
) {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  prepare(api);
  const logged: string[] = [];
  const note = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    logged.push(`${message}: ${String(fields['err'])}`);
  };
  const log: Logger = { ...silentLogger, error: note, warn: note, child: () => log };
  const informer = new Informer<Widget, 'parity'>({
    resource: WIDGET,
    reader: api,
    clock,
    random: seededRandom(1),
    indexers: { parity: byParity },
    freeze: true,
    log,
    ...options,
  });
  const heard: string[] = [];
  informer.addHandler(recorder(heard));
  const stopping = new AbortController();
  const running = informer.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  stops.push(stop);
  await settle();
  return { clock, api, informer, lister: informer.lister, heard, logged, stop };
}

function recorder(heard: string[]): InformerHandler<Widget> {
  return {
    added: (object, isInitial) => heard.push(`${isInitial ? 'initial' : 'added'} ${say(object)}`),
    updated: (before, after) => heard.push(`updated ${say(before)} -> ${say(after)}`),
    deleted: (object) => heard.push(`deleted ${say(object)}`),
  };
}

function say(object: Cached<Widget>): string {
  return `${object.metadata.name}=${object.spec.value}`;
}

function values(objects: readonly Cached<Widget>[]): string[] {
  return objects.map(say).toSorted();
}

describe('a handler', () => {
  test('hears of what is there, as initial, then of each change, with what was before', async () => {
    const { api, heard } = await given((before) => before.put('a/one', 1));
    api.put('a/two', 2);
    api.put('a/one', 3);
    api.delete('a/two');
    await settle();
    expect(heard).toEqual(['initial one=1', 'added two=2', 'updated one=1 -> one=3', 'deleted two=2']);
  });

  test('hears after a blind time of what differs, and of nothing else', async () => {
    const { api, heard, lister } = await given((before) =>
      ['a/kept', 'a/changed', 'a/gone'].forEach((key) => before.put(key, 1)),
    );
    const kept = lister.get('a/kept');
    heard.length = 0;
    api.cut(gone());
    api.failures.watch.push(gone());
    api.delete('a/gone');
    api.put('a/changed', 2);
    api.put('a/new', 3);
    api.compact();
    await settle();
    expect(lister.get('a/kept')).toBe(kept);
    expect(heard).toEqual(['updated changed=1 -> changed=2', 'added new=3', 'deleted gone=1']);
  });

  test('hears of a deletion and an addition when an object was created anew under its name, seen or unseen', async () => {
    const { api, heard } = await given((before) => before.put('a/one', 1));
    heard.length = 0;
    api.cut(gone());
    api.delete('a/one');
    api.put('a/one', 2);
    await settle();
    expect(heard).toEqual(['deleted one=1', 'added one=2']);
    // As a server tells it that merges what happened between two looks.
    api.put('a/one', 3, { uid: 'another' });
    await settle();
    expect(heard.slice(2)).toEqual(['deleted one=2', 'added one=3']);
  });

  test('sees in the lister what it hears of', async () => {
    const { api, informer, lister } = await given();
    const seen: unknown[] = [];
    informer.addHandler({ added: (object) => seen.push(lister.get(object.metadata) === object) });
    api.put('a/one');
    await settle();
    expect(seen).toEqual([true]);
  });

  test('that comes late hears of what is there, as initial, and is told nothing after it was removed', async () => {
    const { api, informer } = await given((before) => before.put('a/one', 1));
    const heard: string[] = [];
    const remove = informer.addHandler(recorder(heard));
    api.put('a/one', 2);
    await settle();
    remove();
    api.put('a/one', 3);
    await settle();
    expect(heard).toEqual(['initial one=1', 'updated one=1 -> one=2']);
  });

  test('that comes while changes are told hears of each object once', async () => {
    const { api, informer } = await given();
    const heard: string[] = [];
    let late = false;
    informer.addHandler({
      added: () => {
        if (!late) informer.addHandler(recorder(heard));
        late = true;
      },
    });
    api.cut(gone());
    api.put('a/one', 1);
    api.put('a/two', 2);
    await settle();
    expect(heard).toEqual(['initial one=1', 'added two=2']);
  });

  test('that comes late is told of many objects in slices, and of what changes meanwhile once, as it is then', async () => {
    const { api, informer, clock } = await given((before) => {
      for (let name = 0; name < 100; name++) before.put(`a/${name}`, name);
    });
    const heard: string[] = [];
    const told: number[] = [];
    const own = recorder(heard);
    informer.addHandler({
      ...own,
      added: (object, isInitial) => {
        own.added?.(object, isInitial);
        clock.stall(1);
      },
    });
    told.push(heard.length);
    api.put('a/98', -1);
    api.delete('a/99');
    await settle();
    told.push(heard.length);
    expect(told[0]).toBe(10);
    expect(told[1]).toBe(99);
    expect(new Set(heard).size).toBe(99);
    expect(heard).toContain('initial 98=-1');
    expect(heard.join()).not.toMatch(/98=98|99=99/);
  });

  test('that another removes while changes are told hears of none of the rest', async () => {
    const { api, informer } = await given();
    const heard: string[] = [];
    const removals: (() => void)[] = [];
    informer.addHandler({ added: () => removals.forEach((remove) => remove()) });
    removals.push(informer.addHandler(recorder(heard)));
    api.put('a/one');
    await settle();
    expect(heard).toEqual([]);
  });

  test('that throws, or whose promise is rejected, is logged and stops nobody', async () => {
    const { api, informer, heard, logged } = await given();
    informer.addHandler({
      added: () => {
        throw new Error('one');
      },
      // eslint-disable-next-line typescript/no-misused-promises -- what users do by mistake
      updated: () => Promise.reject(new Error('two')),
    });
    const others: string[] = [];
    informer.addHandler(recorder(others));
    api.put('a/one', 1);
    api.put('a/one', 2);
    await settle();
    expect(others).toEqual(['added one=1', 'updated one=1 -> one=2']);
    expect(heard).toEqual(others);
    expect(logged.map((line) => line.split(': ').at(-1))).toEqual(['one', 'two']);
    expect(informer.lastError).toBeUndefined();
  });
});

describe('the lister', () => {
  test('returns the same object until it changes, however long ago it was read and whatever was read meanwhile', async () => {
    const { api, lister } = await given(
      (before) => {
        for (let name = 0; name < 50; name++) before.put(`a/${name}`, name);
      },
      { memory: new Memory(256, 100) },
    );
    const first = lister.get('a/0');
    lister.list();
    lister.list();
    expect(lister.get('a/0')).toBe(first);
    api.put('a/0', 7);
    await settle();
    expect(lister.get('a/0')).not.toBe(first);
    expect(first?.spec.value).toBe(0);
  });

  test('reads by key, by namespace, by labels and by index, and follows changes', async () => {
    const { api, lister } = await given((before) => {
      before.put('a/one', 1, { labels: { app: 'web', tier: 'x' } });
      before.put('a/two', 2);
      before.put('b/one', 3, { labels: { app: 'web' } });
    });
    expect(lister.get({ namespace: 'b', name: 'one' })?.spec.value).toBe(3);
    expect(lister.get('b/two')).toBeUndefined();
    expect(values(lister.list())).toEqual(['one=1', 'one=3', 'two=2']);
    expect(values(lister.list({ namespace: 'a' }))).toEqual(['one=1', 'two=2']);
    expect(values(lister.list({ labels: { app: 'web' } }))).toEqual(['one=1', 'one=3']);
    expect(values(lister.list({ namespace: 'a', labels: { app: 'web', tier: 'y' } }))).toEqual([]);
    expect(values(lister.byIndex('parity', 'odd'))).toEqual(['one=1', 'one=3']);
    api.put('a/one', 4);
    api.delete('b/one');
    await settle();
    expect(values(lister.byIndex('parity', 'odd'))).toEqual([]);
    expect(values(lister.byIndex('parity', 'even'))).toEqual(['one=4', 'two=2']);
    expect(lister.list({ namespace: 'b' })).toEqual([]);
  });

  test('has indexes that follow a new list as well', async () => {
    const { api, lister } = await given((before) =>
      ['a/1', 'a/2'].forEach((key, value) => before.put(key, value)),
    );
    api.cut(gone());
    api.delete('a/1');
    api.put('a/2', 2);
    api.put('a/3', 3);
    await settle();
    expect(values(lister.byIndex('parity', 'even'))).toEqual(['2=2']);
    expect(values(lister.byIndex('parity', 'odd'))).toEqual(['3=3']);
  });

  test('says which index there is not, and refuses two indexers under one name', async () => {
    const { informer, lister } = await given();
    expect(() => lister.byIndex('owner' as 'parity', 'x')).toThrow(
      expect.objectContaining({ code: 'INDEX_UNKNOWN' }),
    );
    informer.addIndexers({ parity: byParity });
    expect(() => informer.addIndexers({ parity: () => [] })).toThrow(
      expect.objectContaining({ code: 'INDEX_CONFLICT' }),
    );
  });

  test('does without an indexer or a transform that throws, which is logged', async () => {
    const { lister, logged } = await given(
      (before) => ['a/1', 'a/2'].forEach((key, value) => before.put(key, value)),
      {
        indexers: {
          parity: (widget) => {
            if (widget.spec.value === 0) throw new Error('no index');
            return byParity(widget);
          },
        },
        transform: () => {
          throw new Error('no transform');
        },
      },
    );
    expect(values(lister.list())).toEqual(['1=0', '2=1']);
    expect(values(lister.byIndex('parity', 'odd'))).toEqual(['2=1']);
    expect(logged.join()).toContain('no index');
    expect(logged.join()).toContain('no transform');
  });

  test('has objects without managedFields, which nobody can change when freezing is on', async () => {
    const { api, lister } = await given();
    api.put('a/one', 1, { labels: { app: 'web' } });
    await settle();
    const widget = lister.get('a/one') as unknown as Widget;
    expect(widget.metadata).not.toHaveProperty('managedFields');
    expect(() => (widget.spec.value = 2)).toThrow(TypeError);
    expect(() => ((widget.metadata.labels ?? {})['app'] = 'x')).toThrow(TypeError);
  });
});

describe('read-your-writes', () => {
  test('a write is read at once, by key, list and index, and heard of only when the watch brings it', async () => {
    const { api, informer, lister, heard } = await given((before) => before.put('a/one', 1));
    heard.length = 0;
    const created = api.put('a/two', 2);
    const changed = api.put('a/one', 4);
    informer.noteWritten(created);
    informer.noteWritten(changed);
    expect(values(lister.list())).toEqual(['one=4', 'two=2']);
    expect(values(lister.list({ namespace: 'a' }))).toEqual(['one=4', 'two=2']);
    expect(values(lister.byIndex('parity', 'even'))).toEqual(['one=4', 'two=2']);
    expect(values(lister.byIndex('parity', 'odd'))).toEqual([]);
    expect(lister.get('a/one')?.metadata).not.toHaveProperty('managedFields');
    expect(heard).toEqual([]);
    await settle();
    expect(heard).toEqual(['added two=2', 'updated one=1 -> one=4']);
    expect(values(lister.list())).toEqual(['one=4', 'two=2']);
  });

  test('an older event does not take the write away, a newer one replaces it', async () => {
    const { api, informer, lister } = await given();
    api.put('a/one', 1);
    const late = api.put('a/one', 2);
    informer.noteWritten(late);
    const seen: (number | undefined)[] = [];
    informer.addHandler({ added: () => seen.push(lister.get('a/one')?.spec.value) });
    api.put('a/one', 3);
    await settle();
    expect(seen).toEqual([2]);
    expect(lister.get('a/one')?.spec.value).toBe(3);
  });

  test('answers that overtake each other, or come after the watch, change nothing', async () => {
    const { api, informer, lister } = await given();
    const first = api.put('a/one', 1);
    const second = api.put('a/one', 2);
    informer.noteWritten(second);
    informer.noteWritten(first);
    expect(lister.get('a/one')?.spec.value).toBe(2);
    api.delete('a/one');
    await settle();
    informer.noteWritten(second);
    expect(lister.get('a/one')).toBeUndefined();
  });

  test('a deletion is read at once, and stays so through older events of the same object', async () => {
    const { api, informer, lister, heard } = await given((before) => before.put('a/one', 1));
    api.put('a/one', 3);
    api.delete('a/one');
    informer.noteDeleted('a/one');
    const seen: unknown[] = [];
    informer.addHandler({
      updated: () => seen.push(lister.get('a/one'), ...lister.byIndex('parity', 'odd')),
    });
    expect(lister.list()).toEqual([]);
    await settle();
    expect(seen).toEqual([undefined]);
    expect(heard).toEqual(['initial one=1', 'updated one=1 -> one=3', 'deleted one=3']);
    api.put('a/one', 5);
    await settle();
    expect(lister.get('a/one')?.spec.value).toBe(5);
  });

  test('an object that a deletion leaves terminating is read again as soon as the watch shows it so', async () => {
    const { api, informer, lister } = await given((before) => before.put('a/one', 1, { finalizers: ['x'] }));
    informer.noteDeleted({ namespace: 'a', name: 'one' });
    api.put('a/one', 1, { finalizers: ['x'], deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(lister.get('a/one')).toBeUndefined();
    await settle();
    expect(lister.get('a/one')?.metadata.deletionTimestamp).toBeDefined();
  });

  test('an object that is terminating already is read on when it is deleted again, and no more when it is gone for certain', async () => {
    const terminating = { finalizers: ['x'], deletionTimestamp: '2026-01-01T00:00:00Z' };
    const { api, informer, lister } = await given((before) => before.put('a/one', 1, terminating));
    informer.noteDeleted('a/one');
    expect(lister.list()).toHaveLength(1);
    const last = api.put('a/one', 2, terminating);
    api.delete('a/one');
    informer.noteDeleted('a/one', last.metadata);
    const seen: unknown[] = [];
    informer.addHandler({ updated: () => seen.push(lister.get('a/one')) });
    api.bookmark();
    await settle();
    expect(seen).toEqual([undefined]);
    expect(lister.list()).toEqual([]);
  });

  test('an object that is gone for certain stays so when a bookmark comes before the news of it', async () => {
    const terminating = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const { api, informer, lister } = await given((before) => before.put('a/one', 1, terminating));
    informer.noteDeleted('a/one', lister.get('a/one')?.metadata);
    api.bookmark();
    await settle();
    expect(lister.list()).toEqual([]);
  });

  test('the answer to a write that comes after the deletion of the object does not bring it back', async () => {
    const { api, informer, lister } = await given((before) => before.put('a/one', 1));
    const late = api.put('a/one', 2);
    api.delete('a/one');
    informer.noteDeleted('a/one');
    informer.noteWritten(late);
    expect(lister.get('a/one')).toBeUndefined();
  });

  test('what was created anew after our deletion is read', async () => {
    const { api, informer, lister } = await given((before) => before.put('a/one', 1));
    const deleted = lister.get('a/one')?.metadata;
    api.delete('a/one');
    informer.noteDeleted('a/one', deleted);
    informer.noteWritten(api.put('a/one', 2));
    informer.noteDeleted('a/one', deleted);
    expect(lister.get('a/one')?.spec.value).toBe(2);
    await settle();
    expect(lister.get('a/one')?.spec.value).toBe(2);
    informer.noteDeleted('a/one', deleted);
    expect(lister.get('a/one')?.spec.value).toBe(2);
  });

  test('a write that the watch never brings is forgotten once the watch has passed its version', async () => {
    const { api, informer, lister } = await given(undefined, { selector: { namespace: 'a' } });
    const written = api.put('b/one', 1);
    informer.noteWritten({ ...written, metadata: { ...written.metadata, namespace: 'a' } });
    await settle();
    expect(values(lister.list())).toEqual(['one=1']);
    expect(lister.byIndex('parity', 'odd')).toHaveLength(1);
    api.bookmark();
    await settle();
    expect(lister.list()).toEqual([]);
    expect(lister.byIndex('parity', 'odd')).toEqual([]);
  });

  test('a deletion of which the watch never saw the object is forgotten after some bookmarks', async () => {
    const { api, informer, lister } = await given();
    informer.noteDeleted('a/one', { uid: 'uid-1' });
    for (let bookmark = 0; bookmark < 5; bookmark++) {
      api.bookmark();
      await settle();
    }
    // Only to see that it was: a uid never comes back.
    api.put('a/one', 1, { uid: 'uid-1' });
    await settle();
    expect(lister.list()).toHaveLength(1);
  });

  test('a list that was on its way before the write does not take it away', async () => {
    const { clock, api, informer, lister } = await given((before) => before.put('a/one', 1));
    api.latency = 1000;
    api.cut(gone());
    await settle();
    informer.noteWritten(api.put('a/one', 2));
    informer.noteWritten(api.put('a/two', 2));
    const seen: string[][] = [];
    informer.addHandler({ updated: () => seen.push(values(lister.list())) });
    await clock.advance('1s');
    expect(seen).toEqual([['one=2', 'two=2']]);
  });

  test('who deleted an object reads neither it again nor one that was there before it', async () => {
    const { api, informer, lister, heard } = await given();
    api.put('a/one', 1);
    api.delete('a/one');
    const mine = api.put('a/one', 2);
    informer.noteWritten(mine);
    api.delete('a/one');
    informer.noteDeleted('a/one');
    informer.noteWritten(mine);
    const seen: unknown[] = [];
    informer.addHandler({ added: () => seen.push(lister.get('a/one')) });
    await settle();
    expect(seen).toEqual([undefined, undefined]);
    expect(heard).toEqual(['added one=1', 'deleted one=1', 'added one=2', 'deleted one=2']);
  });

  test('a restored server takes back what was written since', async () => {
    const { clock, api, informer, lister } = await given();
    for (let value = 0; value < 10; value++) api.put('a/one', value);
    await settle();
    api.down = refused();
    api.cut(refused(true));
    await settle();
    informer.noteWritten(api.put('a/one', 10));
    api.restore(5);
    api.down = undefined;
    await clock.advance('10m');
    expect(lister.get('a/one')?.spec.value).toBe(5);
  });

  test('an informer with a selector shows only what its selector selects', async () => {
    const { api, informer, lister } = await given(undefined, {
      selector: { namespace: 'a', labelSelector: 'app in (web, api),!old,tier!=x' },
    });
    const write = (key: string, labels: Record<string, string>): void =>
      informer.noteWritten(api.put(key, 1, { labels }));
    write('a/in', { app: 'api', tier: 'y' });
    write('b/elsewhere', { app: 'api' });
    write('a/other', { app: 'db' });
    write('a/old', { app: 'web', old: '' });
    write('a/tier', { app: 'web', tier: 'x' });
    expect(values(lister.list())).toEqual(['in=1']);
    write('a/in', { app: 'none' });
    expect(values(lister.list())).toEqual([]);
  });

  test('the caller may go on changing the object that it told of', async () => {
    const { api, informer, lister } = await given();
    const mine = api.put('a/one', 1);
    informer.noteWritten(mine);
    mine.spec.value = 9;
    expect(lister.get('a/one')?.spec.value).toBe(1);
  });
});

describe('sync', () => {
  test('is seen, and waited for', async () => {
    const { clock, api, informer } = await given((before) => (before.latency = 1000));
    expect(informer.hasSynced).toBe(false);
    const waiting = informer.waitForSync();
    await clock.advance('1s');
    await waiting;
    expect(informer.hasSynced).toBe(true);
    expect(informer.version).toBe(String(api.version));
    await informer.waitForSync({ timeout: 0 });
    await informer.waitForSync({ signal: AbortSignal.abort() });
  });

  test('that does not come names what did not sync, and why', async () => {
    const { clock, informer } = await given((before) => (before.down = apiError(403, 'Forbidden')));
    const waiting = informer.waitForSync({ timeout: '30s' }).catch((error: unknown) => error);
    const expected = {
      code: 'CACHE_SYNC_TIMEOUT',
      missing: ['widgets.test.incumbent.dev'],
      message: expect.stringMatching(
        /within 30s\. widgets\.test\.incumbent\.dev: .*Forbidden.*Grant the rule/,
      ),
    };
    await clock.advance('30s');
    expect(await waiting).toMatchObject(expected);
  });

  test('that is no longer wanted is not waited for, and leaves no timer', async () => {
    const { clock, informer, stop } = await given((before) => (before.latency = 1000));
    const stopping = new AbortController();
    const waiting = informer.waitForSync({ signal: stopping.signal });
    stopping.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CACHE_SYNC_ABORTED' });
    await stop();
    expect(clock.pending).toBe(0);
  });

  test('survives failures, which are seen until they are over', async () => {
    const { clock, api, informer, lister, logged } = await given((before) => before.put('a/one'));
    api.down = refused();
    api.cut(refused(true));
    await clock.advance('10s');
    expect(informer.hasSynced).toBe(true);
    expect(informer.lastError?.message).toBe('ECONNREFUSED');
    expect(lister.list()).toHaveLength(1);
    expect(logged.length).toBeGreaterThan(2);
    api.down = undefined;
    await clock.advance('1m');
    api.bookmark();
    await settle();
    expect(informer.lastError).toBeUndefined();
  });

  test('an informer runs once at a time, and may run again', async () => {
    const { api, informer, heard, stop } = await given((before) => before.put('a/one', 1));
    await expect(informer.run(AbortSignal.abort())).rejects.toMatchObject({ code: 'INFORMER_RUNNING' });
    await stop();
    api.put('a/one', 2);
    const again = new AbortController();
    const running = informer.run(again.signal);
    stops.push(async () => {
      again.abort();
      await running;
    });
    await settle();
    expect(heard).toEqual(['initial one=1', 'updated one=1 -> one=2']);
  });
});

test('an informer as a stream: each subscriber gets what is there and what comes, until it unsubscribes', async () => {
  const { api, informer } = await given((before) => before.put('a/one', 1));
  const events: InformerEvent<Widget>[] = [];
  const subscription = observable(informer).subscribe((event) => events.push(event));
  api.put('a/one', 2);
  api.delete('a/one');
  await settle();
  subscription.unsubscribe();
  api.put('a/one', 3);
  await settle();
  expect(events.map(({ type }) => type)).toEqual(['added', 'updated', 'deleted']);
  expect(events[0]).toMatchObject({ isInitial: true, object: { spec: { value: 1 } } });
});

describe('a cache', () => {
  function givenCache(latency = 0) {
    const clock = new VirtualClock();
    const api = new FakeApi(clock);
    api.latency = latency;
    const cache = new InformerCache({ reader: api, clock, random: seededRandom(1) });
    const stopping = new AbortController();
    const run = (): Promise<void> => {
      const running = cache.run(stopping.signal);
      stops.push(async () => {
        stopping.abort();
        await running;
      });
      return running;
    };
    return { clock, api, cache, run, stopping };
  }

  test('shares one informer among all who ask for the same objects, with the indexes of all', async () => {
    const { api, cache, run } = givenCache();
    const one = cache.informerFor(WIDGET, { indexers: { parity: byParity } });
    const two = cache.informerFor(WIDGET, { indexers: { name: (widget) => [widget.metadata.name] } });
    const other = cache.informerFor(WIDGET, { namespace: 'a' });
    expect(one).toBe(two);
    expect(other).not.toBe(one);
    void run();
    api.put('a/one', 1);
    api.put('b/two', 2);
    await settle();
    expect(api.openWatches).toBe(2);
    expect(values(one.lister.byIndex('parity', 'odd'))).toEqual(['one=1']);
    expect(values(two.lister.byIndex('name', 'two'))).toEqual(['two=2']);
    expect(values(cache.lister(WIDGET, { namespace: 'a' }).list())).toEqual(['one=1']);
  });

  test('stops an informer when the last who asked for it has let go, and forgets its objects', async () => {
    const { api, clock, cache, run } = givenCache();
    const [one, two] = [new AbortController(), new AbortController()];
    const informer = cache.informerFor(WIDGET, { signal: one.signal });
    expect(cache.informerFor(WIDGET, { signal: two.signal })).toBe(informer);
    void run();
    api.put('a/one', 1);
    await settle();
    one.abort();
    await settle();
    expect([api.openWatches, informer.lister.list().length]).toEqual([1, 1]);
    two.abort();
    await settle();
    expect([api.openWatches, clock.pending, informer.lister.list().length]).toEqual([0, 0, 0]);
    expect(cache.informers).toEqual([]);
    const again = cache.informerFor(WIDGET);
    await settle();
    expect(again).not.toBe(informer);
    expect(again.lister.list()).toHaveLength(1);
  });

  test('has an informer of the metadata alone beside that of the whole objects', async () => {
    const { api, cache, run } = givenCache();
    const whole = cache.informerFor(WIDGET);
    const metadata = cache.metadataFor(WIDGET);
    void run();
    api.put('a/one', 1, { labels: { app: 'web' } });
    await settle();
    expect(metadata).not.toBe(whole);
    const [only] = metadata.lister.list({ labels: { app: 'web' } });
    expect(Object.keys(only ?? {}).toSorted()).toEqual(['apiVersion', 'kind', 'metadata']);
    expect(only).toMatchObject({ kind: 'Widget', metadata: { name: 'one' } });
    expect(whole.lister.get('a/one')?.spec.value).toBe(1);
    cache.noteWritten(WIDGET, api.put('a/one', 2));
    expect(metadata.lister.get('a/one')).not.toHaveProperty('spec');
  });

  test('tells how each informer is doing', async () => {
    const { api, clock, cache, run } = givenCache(1000);
    cache.informerFor(WIDGET);
    const phase = () => cache.status.map((status) => status.phase);
    expect(phase()).toEqual(['stopped']);
    api.put('a/one');
    void run();
    await settle();
    expect(phase()).toEqual(['listing']);
    await clock.advance('1s');
    expect(cache.status).toEqual([
      {
        name: 'widgets.test.incumbent.dev',
        phase: 'watching',
        hasSynced: true,
        objects: 1,
        resourceVersion: '101',
        reason: undefined,
      },
    ]);
    api.cut(apiError(403, 'Forbidden'));
    await settle();
    expect(cache.status).toMatchObject([
      { phase: 'failing', hasSynced: true, reason: expect.stringContaining('Grant the rule') },
    ]);
  });

  test('refuses two transforms for one informer', () => {
    const { cache } = givenCache();
    cache.informerFor(WIDGET);
    const ask = (): unknown => cache.informerFor(WIDGET, { transform: (widget) => widget });
    expect(ask).toThrow(expect.objectContaining({ code: 'INFORMER_CONFLICT' }));
  });

  test('starts at once what is asked for while it runs, and stops everything', async () => {
    const { clock, api, cache, run, stopping } = givenCache();
    const running = run();
    await settle();
    api.put('a/one', 1);
    const informer = cache.informerFor(WIDGET);
    await cache.waitForSync();
    expect(informer.lister.list()).toHaveLength(1);
    stopping.abort();
    await running;
    await settle();
    expect([api.openWatches, clock.pending]).toEqual([0, 0]);
    cache.informerFor(WIDGET, { namespace: 'late' });
    await settle();
    expect(api.openWatches).toBe(0);
  });

  test('names every informer that did not sync', async () => {
    const { clock, cache } = givenCache();
    cache.informerFor(WIDGET);
    cache.informerFor(WIDGET, { namespace: 'a', labelSelector: 'app=web' });
    const waiting = cache.waitForSync().catch((error: unknown) => error);
    await clock.advance('2m');
    expect(await waiting).toMatchObject({
      message: expect.stringContaining(
        'widgets.test.incumbent.dev in namespace a with labels app=web: its informer was not',
      ),
      missing: { length: 2 },
    });
    expect(cache.hasSynced).toBe(false);
  });

  test('tells every informer that it concerns of our own writes', async () => {
    const { api, cache, run } = givenCache();
    const all = cache.lister(WIDGET);
    const inA = cache.lister(WIDGET, { namespace: 'a' });
    void run();
    await settle();
    cache.noteWritten(WIDGET, api.put('b/one', 1));
    expect([all.list().length, inA.list().length]).toEqual([1, 0]);
    cache.noteWritten(WIDGET, api.put('a/one', 1));
    expect([all.list().length, inA.list().length]).toEqual([2, 1]);
    cache.noteDeleted(WIDGET, 'a/one');
    expect([all.list().length, inA.list().length]).toEqual([1, 0]);
  });
});
