import assert from 'node:assert/strict';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '../client/encoded-object.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { explainFailure } from './explain-failure.js';
import { apiError, FakeApi, gone, refused, type Widget, WIDGET } from './fake-api.fake.js';
import { Reflector, type ReflectorOptions } from './reflector.js';
import type { ReflectorEvent } from './reflector-state.js';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Given extends Partial<ReflectorOptions<Widget>> {
  readonly api?: (api: FakeApi) => void;
  readonly listener?: (event: ReflectorEvent<Widget>) => void | Promise<void>;
  /** What chance says: 0 means no jitter. */
  readonly chance?: number;
}

async function given({ api: prepare, listener, chance = 0, ...options }: Given = {}) {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  prepare?.(api);
  const reflector = new Reflector({
    resource: WIDGET,
    reader: api,
    clock,
    random: { next: () => chance },
    ...options,
  });
  const events: Told[] = [];
  let listed: Widget[] = [];
  const stopping = new AbortController();
  const running = reflector.run(stopping.signal, (event) => {
    if (event.type === 'listing') listed = [];
    else if (event.type === 'listedSome') listed.push(...event.objects.map(({ object }) => object));
    else events.push(event.type === 'listed' ? { type: 'listed', items: listed } : event);
    return listener?.(event);
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  stops.push(stop);
  await settle();
  const requests = (): string[] => api.requests.map(({ verb }) => verb);
  return { clock, api, events, stop, requests, said: () => events.map(say) };
}

/** A list is told of as one thing. */
type Told =
  | Exclude<ReflectorEvent<Widget>, { readonly type: 'listing' | 'listedSome' | 'listed' }>
  | { readonly type: 'listed'; readonly items: readonly Widget[] };

/** An event in a word or two. */
function say(event: Told): string {
  switch (event.type) {
    case 'listed':
      return `listed ${event.items.map((item) => `${item.metadata.name}=${item.spec.value}`).join(' ')}`.trim();
    case 'applied':
    case 'deleted':
      return `${event.type} ${event.object.metadata.name}=${event.object.object.spec.value}`;
    case 'bookmark':
      return 'bookmark';
    case 'failed':
      return `${event.during} failed, ${event.next} in ${event.retryIn}`;
  }
}

function delays(events: readonly Told[]): number[] {
  return events.flatMap((event) => (event.type === 'failed' ? [event.retryIn] : []));
}

describe('in good order', () => {
  test('it lists, then tells of each change after that list', async () => {
    const { api, said } = await given({ api: (before) => before.put('a/one', 1) });
    api.put('a/two', 2);
    api.put('a/one', 3);
    api.delete('a/two');
    api.bookmark();
    await settle();
    expect(said()).toEqual(['listed one=1', 'applied two=2', 'applied one=3', 'deleted two=2', 'bookmark']);
    expect(api.requests[1]?.options.resourceVersion).toBe('101');
  });

  test('it asks for pages and tells of them as one whole, at the version of the first', async () => {
    const { api, said, requests } = await given({
      list: 'pages',
      pageSize: 2,
      api: (before) => ['a/1', 'a/2', 'a/3', 'a/4', 'a/5'].forEach((key) => before.put(key)),
    });
    expect(said()).toEqual(['listed 1=0 2=0 3=0 4=0 5=0']);
    expect(requests()).toEqual(['list', 'list', 'list', 'watch']);
    expect(api.requests[0]?.options).toMatchObject({ limit: 2 });
    expect(api.requests[3]?.options.resourceVersion).toBe('105');
  });

  test('it asks the server to end the watch below 240 s, each at another time, and gives the idle limit and the selector along', async () => {
    for (const [chance, timeoutSeconds] of [
      [0, 150],
      [0.999, 229],
    ] as const) {
      const { api } = await given({ chance, selector: { namespace: 'a', labelSelector: 'app=web' } });
      const selector = { namespace: 'a', labelSelector: 'app=web' };
      expect(api.requests[0]?.options).toMatchObject(selector);
      expect(api.requests[1]?.options).toMatchObject({ ...selector, timeoutSeconds, idleTimeout: 90_000 });
    }
  });

  test('a watch that ends goes on at once, from the last version that it brought, be it by a bookmark', async () => {
    const { clock, api, said } = await given({ idleTimeout: 500_000 });
    api.put('a/one', 1);
    api.pass(10);
    api.bookmark();
    await clock.advance('150s');
    expect(api.requests.at(-1)?.options.resourceVersion).toBe('111');
    api.put('a/two', 2);
    await settle();
    expect(said()).toEqual(['listed', 'applied one=1', 'bookmark', 'applied two=2']);
  });
});

describe('when the version has expired', () => {
  test('it lists anew at once, whether the answer or the stream says so', async () => {
    const { clock, api, said } = await given();
    api.cut(gone());
    await settle();
    expect(said()).toEqual(['listed', 'watch failed, list in 0', 'listed']);
    api.bookmark();
    await clock.advance('1m');
    api.failures.watch.push(gone());
    api.cut('end');
    await settle();
    expect(said().slice(4)).toEqual(['watch failed, list in 0', 'listed']);
  });

  test('again and again, it backs off', async () => {
    const { clock, api, events, requests } = await given({
      api: (before) => before.failures.watch.push(...Array.from({ length: 5 }, gone)),
    });
    expect(delays(events)).toEqual([0, 800]);
    await clock.advance('1m');
    expect(delays(events)).toEqual([0, 800, 1600, 3200, 6400]);
    expect(requests().filter((verb) => verb === 'list')).toHaveLength(6);
    expect(api.openWatches).toBe(1);
  });

  test('between two pages, it lists anew at once and in one piece, so that this ends', async () => {
    const { api, said } = await given({
      list: 'pages',
      pageSize: 1,
      api: (before) => {
        before.put('a/1');
        before.put('a/2');
        before.failures.list.push(undefined, gone());
      },
    });
    expect(said()).toEqual(['list failed, list in 0', 'listed 1=0 2=0']);
    expect(api.requests.map(({ verb, options }) => [verb, 'limit' in options])).toEqual([
      ['list', true],
      ['list', true],
      ['list', false],
      ['watch', false],
    ]);
  });
});

describe('when requests fail', () => {
  test('it backs off from 0.8 s to 30 s, and from the start again after a calm minute', async () => {
    const { clock, api, events } = await given({ api: (before) => (before.down = refused()) });
    await clock.advance('81s');
    expect(delays(events)).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    api.down = undefined;
    await clock.advance('1m');
    api.cut(refused());
    await clock.advance('89s');
    expect(delays(events).slice(8)).toEqual([30_000]);
    api.cut(refused());
    await settle();
    expect(delays(events).slice(9)).toEqual([30_000]);
    await clock.advance('91s');
    api.cut(refused());
    await settle();
    expect(delays(events).slice(10)).toEqual([800]);
  });

  test('a resource so quiet that its watches die of it, one after the other, is never left alone for long', async () => {
    const { clock, events } = await given();
    await clock.advance('30m');
    expect(new Set(delays(events))).toEqual(new Set([800]));
  });

  test('chance may double a delay', async () => {
    const { events } = await given({ chance: 0.5, api: (before) => (before.down = refused()) });
    expect(delays(events)).toEqual([1200]);
  });

  test('it waits as long as Retry-After says when that is longer', async () => {
    const { clock, events, requests } = await given({
      api: (before) =>
        before.failures.list.push(apiError(429, 'TooManyRequests', 7000), apiError(429, undefined, 1)),
    });
    await clock.advance(6999);
    expect(requests()).toEqual(['list']);
    await clock.advance(1);
    expect(delays(events)).toEqual([7000, 1600]);
  });

  test.each([
    ['a stream that breaks', refused(true)],
    ['a server that is not reached', refused()],
    ['a server error', apiError(500, 'InternalError')],
    ['a rule that is missing for a while', apiError(403, 'Forbidden')],
    ['too many requests', apiError(429)],
  ])('%s in a watch makes it go on from its last version, without a list', async (_, error) => {
    const { clock, api, said } = await given();
    api.put('a/one', 1);
    await settle();
    api.cut(error);
    await settle();
    api.put('a/two', 2);
    await clock.advance(800);
    expect(said()).toEqual(['listed', 'applied one=1', 'watch failed, watch in 800', 'applied two=2']);
  });

  test('a watch that the server refuses as wrong is not asked for again: it lists', async () => {
    const { clock, said } = await given({
      api: (before) => before.failures.watch.push(apiError(400, 'BadRequest')),
    });
    await clock.advance(800);
    expect(said()).toEqual(['listed', 'watch failed, list in 800', 'listed']);
  });

  test('a page that fails is asked for again, not the pages before it', async () => {
    const { clock, api, said } = await given({
      list: 'pages',
      pageSize: 1,
      api: (before) => {
        before.put('a/1');
        before.put('a/2');
        before.failures.list.push(undefined, refused());
      },
    });
    await clock.advance(800);
    expect(said()).toEqual(['list failed, list in 800', 'listed 1=0 2=0']);
    expect(api.requests).toHaveLength(4);
  });

  test('watches that end at once, again and again, are no hot loop', async () => {
    const { clock, api, requests } = await given();
    for (let time = 0; time < 600; time++) {
      api.cut('end');
      await clock.advance(100);
    }
    expect(requests().length).toBeLessThan(15);
    await clock.advance('1m');
    expect(api.openWatches).toBe(1);
  });

  test('a stream without a byte for the idle limit is opened anew', async () => {
    const { clock, said, api } = await given();
    await clock.advance('90s');
    await clock.advance(800);
    expect(said()).toEqual(['listed', 'watch failed, watch in 800']);
    expect(api.openWatches).toBe(1);
  });
});

describe('what can be seen in no error', () => {
  test('an event that nobody can parse, again and again, ends in a list', async () => {
    const { clock, api, said } = await given();
    api.poison = 101;
    api.put('a/one', 1);
    await clock.advance('1m');
    expect(said().slice(-2)).toEqual(['watch failed, list in 3200', 'listed one=1']);
    api.put('a/two', 2);
    await settle();
    expect(said().at(-1)).toBe('applied two=2');
  });

  test('a version that the server has not reached, as after a restored backup, ends in a list', async () => {
    const { clock, api, said } = await given();
    for (let value = 0; value < 10; value++) api.put('a/one', value);
    await settle();
    api.restore(5);
    await clock.advance('10m');
    expect(said()).toContain('listed one=4');
    api.put('a/one', 44);
    await clock.advance(800);
    expect(said().at(-1)).toBe('applied one=44');
  });

  test('a quiet resource whose watches bring bookmarks is not listed again', async () => {
    const { clock, api, requests } = await given();
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance('1m');
      api.bookmark();
    }
    expect(requests().filter((verb) => verb === 'list')).toHaveLength(1);
    expect(requests().length).toBeLessThan(30);
  });

  test.each([
    null,
    {},
    { type: 'ADDED' },
    { type: 'ADDED', object: {} },
    { type: 'BOOKMARK' },
    { type: 'WHAT' },
  ])('what is no event is a failure, not a crash: %j', async (garbage) => {
    const { clock, api, events, said } = await given();
    api.garble(garbage);
    await settle();
    expect(events.at(-1)).toMatchObject({ type: 'failed', error: { code: 'WATCH_EVENT_INVALID' } });
    api.put('a/one', 1);
    await clock.advance(800);
    expect(said().at(-1)).toBe('applied one=1');
    expect(api.openWatches).toBe(1);
  });

  test('a list of what are no objects is a failure, not a crash', async () => {
    const clock = new VirtualClock();
    const reader = new FakeApi(clock);
    const nothing = encode({ ...reader.put('a/one'), metadata: {} as never }, WIDGET);
    reader.stream = () => ({
      async *list() {
        yield { type: 'items', items: [nothing] } as never;
      },
      watch: () => assert.fail('not yet'),
    });
    const { events } = await given({ reader, clock });
    expect(events).toMatchObject([{ type: 'failed', error: { code: 'LIST_INVALID' }, retryIn: 800 }]);
  });

  test('what the listener throws is logged, and the next event comes all the same', async () => {
    const errors: string[] = [];
    const log: Logger = { ...silentLogger, error: (fields) => errors.push(String(fields['err'])) };
    const listener = (event: ReflectorEvent<Widget>): void => {
      if (event.type === 'applied') throw new Error(event.object.metadata.name);
    };
    const { api, said } = await given({ log, listener });
    api.put('a/one', 1);
    api.put('a/two', 2);
    await settle();
    expect(errors).toEqual(['Error: one', 'Error: two']);
    expect(said()).toEqual(['listed', 'applied one=1', 'applied two=2']);
  });
});

describe('a list', () => {
  const three = (api: FakeApi): void => ['a/1', 'a/2', 'a/3'].forEach((key) => void api.put(key));

  test('may come as the beginning of a watch, which then goes on', async () => {
    const { api, said, requests } = await given({ list: 'stream', api: three });
    api.put('a/4', 4);
    await settle();
    expect(said()).toEqual(['listed 1=0 2=0 3=0', 'applied 4=4']);
    expect(requests()).toEqual(['watch']);
    api.cut(gone());
    await settle();
    expect(said().slice(2)).toEqual(['watch failed, list in 0', 'listed 1=0 2=0 3=0 4=4']);
  });

  test('is asked for as such of a server that can’t begin a watch with it, from then on', async () => {
    const prepare = (api: FakeApi): void => {
      three(api);
      api.streams = false;
    };
    const { clock, api, said, requests } = await given({ list: 'stream', api: prepare });
    await clock.advance(800);
    api.cut(gone());
    await settle();
    expect(said().filter((word) => word.startsWith('listed'))).toHaveLength(2);
    expect(requests()).toEqual(['watch', 'list', 'watch', 'list', 'watch']);
  });

  test('that breaks off begins anew, in pages, and tells so: what it told of may be gone since', async () => {
    const prepare = (api: FakeApi): void => {
      three(api);
      api.breakOff = 2;
    };
    const { clock, api, said } = await given({ pageSize: 2, api: prepare });
    api.delete('a/1');
    await clock.advance(800);
    expect(said()).toEqual(['list failed, list in 800', 'listed 2=0 3=0']);
    expect(api.requests.map(({ options }) => 'limit' in options && options.limit)).toEqual([false, 2, false]);
  });

  test('that ends without its end is a failure', async () => {
    const clock = new VirtualClock();
    const reader = new FakeApi(clock);
    reader.stream = () => ({ async *list() {}, watch: () => assert.fail('not yet') });
    const { events } = await given({ reader, clock });
    expect(events).toMatchObject([{ type: 'failed', error: { code: 'LIST_UNFINISHED' }, retryIn: 800 }]);
  });

  test('is told in slices: the event loop has its turn, and events wait for a listener that takes its time', async () => {
    const order: string[] = [];
    const { api } = await given({
      api: three,
      listener: async (event) => {
        order.push(`${event.type} begins`);
        await settle();
        order.push(`${event.type} ends`);
      },
    });
    api.put('a/4');
    for (let turn = 0; turn < 20; turn++) await settle();
    const begun = order
      .filter((word) => word.endsWith('begins'))
      .map((word) => word.replace('begins', 'ends'));
    expect(order.filter((word) => word.endsWith('ends'))).toEqual(begun);
    expect(
      order.every((word, at) => at % 2 === 0 || word.split(' ')[0] === order[at - 1]?.split(' ')[0]),
    ).toBe(true);
    expect(order).toContain('applied ends');
  });
});

describe('told to stop', () => {
  const situations: Record<string, (g: Awaited<ReturnType<typeof given>>) => Promise<void> | void> = {
    'while it watches': () => {},
    'while events are on their way': ({ api }) => void [api.put('a/one'), api.put('a/two')],
    'while it backs off': async ({ api }) => {
      api.cut(refused());
      await settle();
    },
    'while it lists': async ({ api }) => {
      api.latency = 1000;
      api.cut(gone());
      await settle();
    },
    'while a watch is opened': ({ api }) => api.cut('end'),
  };

  test.each(Object.entries(situations))(
    '%s, it ends, asks for nothing more, tells nothing more, leaves nothing',
    async (_, arrange) => {
      const g = await given();
      await g.clock.advance('2s');
      await arrange(g);
      const told = g.events.length;
      await g.stop();
      const asked = g.api.requests.length;
      await g.clock.advance('1h');
      expect(g.api.requests).toHaveLength(asked);
      expect(g.events).toHaveLength(told);
      expect(g.clock.pending).toBe(0);
      expect(g.api.openWatches).toBe(0);
    },
  );

  test('before it starts, it asks for nothing', async () => {
    const clock = new VirtualClock();
    const api = new FakeApi(clock);
    const reflector = new Reflector({ resource: WIDGET, reader: api, clock, random: { next: () => 0 } });
    await reflector.run(AbortSignal.abort(), () => {});
    expect(api.requests).toEqual([]);
  });

  test('by the listener itself, it tells nothing more', async () => {
    const stopping = new AbortController();
    const clock = new VirtualClock();
    const api = new FakeApi(clock);
    const told: string[] = [];
    const reflector = new Reflector({ resource: WIDGET, reader: api, clock, random: { next: () => 0 } });
    await reflector.run(stopping.signal, (event) => {
      told.push(event.type);
      stopping.abort();
    });
    expect(told).toEqual(['listing']);
    expect(api.requests).toHaveLength(1);
  });
});

test('a failure is explained with what to do: the missing rule, the missing definition', () => {
  expect(explainFailure(WIDGET, apiError(403, 'Forbidden'))).toContain(
    'Grant the rule { apiGroups: ["test.incumbent.dev"], resources: ["widgets"], verbs: ["get", "list", "watch"] }.',
  );
  expect(explainFailure(WIDGET, apiError(404))).toContain('is its CustomResourceDefinition installed');
  expect(explainFailure(WIDGET, apiError(401, 'Unauthorized'))).toContain('credentials');
  expect(explainFailure(WIDGET, refused())).toBe('ECONNREFUSED');
});
