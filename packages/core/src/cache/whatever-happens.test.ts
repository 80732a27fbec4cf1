import assert from 'node:assert/strict';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatKey } from '../api/object.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import { seededRandom } from '../kit/seeded-random.js';
import { settle, VirtualClock } from '../kit/virtual-clock.js';
import { apiError, FakeApi, gone, refused, type Widget, WIDGET } from '../watch/fake-api.fake.js';
import type { Cached } from './cached.js';
import type { InformerHandler } from './handlers.js';
import { Informer, type InformerOptions } from './informer.js';
import { MUTATIONS } from './mutations.fake.js';
import { Memory } from './stored-object.js';

const byParity = (widget: Cached<Widget>): string[] => [widget.spec.value % 2 === 0 ? 'even' : 'odd'];

/** An informer with so little memory that it moves its objects all the time, and parses them again for each reader. */
async function given(options: Partial<InformerOptions<Widget, 'parity'>> = {}) {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  api.put('a/1');
  const logged: string[] = [];
  const note = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    logged.push(`${message}: ${String(fields['err'])}`);
  };
  const log: Logger = { ...silentLogger, error: note, warn: note, child: () => log };
  const memory = new Memory(400, 150);
  const informer = new Informer<Widget, 'parity'>({
    resource: WIDGET,
    reader: api,
    clock,
    random: seededRandom(1),
    indexers: { parity: byParity },
    freeze: true,
    memory,
    log,
    ...options,
  });
  const stopping = new AbortController();
  const running = informer.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  await settle();
  return { clock, api, informer, lister: informer.lister, logged, memory, stop };
}

/** What a listener knows who believes only what it hears; fails when what it hears makes no sense. */
class Mirror implements InformerHandler<Widget> {
  readonly objects = new Map<string, Cached<Widget>>();

  added(object: Cached<Widget>): void {
    this.#knows(object, undefined);
    this.objects.set(formatKey(object.metadata), object);
  }

  updated(before: Cached<Widget>, after: Cached<Widget>): void {
    this.#knows(before, before);
    assert.equal(after.metadata.uid, before.metadata.uid);
    this.objects.set(formatKey(after.metadata), after);
  }

  deleted(object: Cached<Widget>): void {
    this.#knows(object, object);
    this.objects.delete(formatKey(object.metadata));
  }

  #knows({ metadata }: Cached<Widget>, expected: Cached<Widget> | undefined): void {
    assert.ok(this.objects.get(formatKey(metadata)) === expected);
  }
}

function fingerprint(objects: Iterable<Cached<Widget>>): string[] {
  return Array.from(
    objects,
    ({ metadata, spec }) =>
      `${formatKey(metadata)} ${metadata.uid}@${metadata.resourceVersion} = ${spec.value}`,
  ).toSorted();
}

describe('whatever happens', () => {
  const key = fc.constantFrom('a/1', 'a/2', 'b/1', 'b/2', 'b/3');
  const write = fc.oneof(
    fc.record({ do: fc.constant('put' as const), key, value: fc.nat(9) }),
    fc.record({ do: fc.constant('delete' as const), key }),
    fc.record({ do: fc.constant('recreate' as const), key }),
  );
  const error = fc.constantFrom(
    gone(),
    refused(),
    refused(true),
    apiError(500),
    apiError(429, undefined, 3000),
    apiError(403, 'Forbidden'),
    apiError(404, 'NotFound'),
    apiError(400),
    new SyntaxError('not JSON'),
  );
  const trouble = fc.oneof(
    fc.record({ do: fc.constant('cut' as const), how: fc.oneof(fc.constant('end' as const), error) }),
    fc.record({ do: fc.constant('failList' as const), error }),
    fc.record({ do: fc.constant('failWatch' as const), error }),
    fc.record({
      do: fc.constant('breakOff' as const),
      after: fc.nat(4),
    }),
    fc.record({ do: fc.constant('compact' as const) }),
    fc.record({ do: fc.constant('bookmark' as const) }),
    fc.record({ do: fc.constant('pass' as const) }),
    fc.record({ do: fc.constant('garble' as const) }),
    fc.record({ do: fc.constant('poison' as const) }),
    fc.record({ do: fc.constant('slow' as const) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 100, 700, 1000, 10_000, 100_000) }),
  );
  const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 100, 700, 1000) });
  const relist = fc.record({ do: fc.constant('cut' as const), how: fc.constant(gone()) });
  const lag = fc.record({ do: fc.constant('lag' as const), by: fc.integer({ min: 1, max: 6 }) });
  const own = fc.record({ do: fc.constant('own' as const), what: fc.constantFrom('put', 'delete'), key });

  type Happening =
    typeof write | typeof trouble | typeof lag | typeof own extends fc.Arbitrary<infer T> ? T : never;

  async function happen(happening: Happening, api: FakeApi, clock: VirtualClock): Promise<void> {
    switch (happening.do) {
      case 'put':
        return void api.put(happening.key, happening.value);
      case 'recreate':
        api.delete(happening.key);
        return void api.put(happening.key);
      case 'delete':
        return api.delete(happening.key);
      case 'cut':
        return api.cut(happening.how);
      case 'failList':
        return void api.failures.list.push(happening.error);
      case 'failWatch':
        return void api.failures.watch.push(happening.error);
      case 'breakOff':
        // The next list, right now: it ends before its end.
        api.breakOff = happening.after;
        return api.cut(gone());
      case 'compact':
        return api.compact();
      case 'bookmark':
        return api.bookmark();
      case 'pass':
        return api.pass(3);
      case 'garble':
        return api.garble({ type: 'ADDED' });
      case 'poison':
        api.poison = api.version + 1;
        return;
      case 'slow':
        api.latency = api.latency === 0 ? 500 : 0;
        return;
      case 'lag':
        api.lag = happening.by;
        return;
      case 'wait':
        return clock.advance(happening.ms);
      case 'own':
        return;
    }
  }

  async function calm({ api, clock, informer }: Awaited<ReturnType<typeof given>>): Promise<void> {
    api.lag = 0;
    api.poison = undefined;
    api.failures.list.length = 0;
    api.failures.watch.length = 0;
    // With bookmarks as of a server that is well: none of them is a reason to list anew, which would make up for mistakes.
    for (let minute = 0; minute < 4; minute++) {
      await clock.advance('40s');
      api.bookmark();
      await settle();
    }
    expect(informer.lastError).toBeUndefined();
    expect(api.openWatches).toBe(1);
  }

  const modes = fc.record({
    list: fc.constantFrom('whole' as const, 'pages' as const, 'stream' as const),
    pageSize: fc.constantFrom(1, 2, 500),
    /** Milliseconds from a list's snapshot to its answer. */
    latency: fc.constantFrom(0, 500),
  });

  /** In the end the lister has what the server has, and so does who only heard of changes. */
  const converges = () =>
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 3, arbitrary: write }, { weight: 3, arbitrary: trouble }, lag), {
        maxLength: 30,
      }),
      modes,
      // Without anybody who listens no object is parsed before the end.
      fc.boolean(),
      async (happenings, { latency, ...mode }, isHeard) => {
        const g = await given({ ...mode, ...(!isHeard && { indexers: undefined }) });
        g.api.latency = latency;
        const mirror = new Mirror();
        if (isHeard) g.informer.addHandler(mirror);
        for (const happening of happenings) await happen(happening, g.api, g.clock);
        await calm(g);
        const truth = fingerprint(g.api.objects);
        expect(fingerprint(g.lister.list())).toEqual(truth);
        if (isHeard) {
          expect(fingerprint(mirror.objects.values())).toEqual(truth);
          const indexed = ['even', 'odd'].flatMap((parity) => g.lister.byIndex('parity', parity));
          expect(fingerprint(indexed)).toEqual(truth);
        }
        expect(g.logged.filter((line) => line.includes('threw'))).toEqual([]);
        await g.stop();
        expect(g.clock.pending).toBe(0);
      },
    );

  /** What is read is at least as new as our own writes. */
  const readsItsWrites = () =>
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 4, arbitrary: own },
          { weight: 2, arbitrary: write },
          { weight: 2, arbitrary: wait },
          relist,
          trouble,
        ),
        {
          maxLength: 30,
        },
      ),
      modes,
      async (happenings, { latency, ...mode }) => {
        const g = await given(mode);
        g.api.latency = latency;
        g.api.watchLatency = 3 * latency;
        const mirror = new Mirror();
        g.informer.addHandler(mirror);
        const atLeast = new Map<string, number>();
        const dead = new Set<string>();
        const check = (): void => {
          const listed = new Map(g.lister.list().map((object) => [formatKey(object.metadata), object]));
          for (const [each, version] of atLeast) {
            const read = g.lister.get(each);
            assert.ok(listed.get(each) === read);
            const onServer = g.api.objects.some((object) => formatKey(object.metadata) === each);
            if (read) assert.ok(Number(read.metadata.resourceVersion) >= version);
            else assert.equal(onServer, false);
          }
          for (const object of listed.values()) assert.ok(!dead.has(object.metadata.uid));
        };
        // In the midst of things, not only when they have settled.
        g.informer.addHandler({ added: check, updated: check, deleted: check });
        for (const happening of happenings) {
          if (happening.do !== 'own') await happen(happening, g.api, g.clock);
          else if (happening.what === 'put') {
            const answer = g.api.put(happening.key, 1);
            g.informer.noteWritten(answer);
            atLeast.set(happening.key, Number(answer.metadata.resourceVersion));
          } else {
            const before = g.api.objects.find(({ metadata }) => formatKey(metadata) === happening.key);
            g.api.delete(happening.key);
            if (before) g.informer.noteDeleted(happening.key, before.metadata);
            if (before) dead.add(before.metadata.uid);
            atLeast.delete(happening.key);
          }
          // A deletion by others may be seen before the watch has caught up with our write: that is newer.
          if (happening.do === 'delete' || happening.do === 'recreate') atLeast.delete(happening.key);
          check();
        }
        await calm(g);
        const truth = fingerprint(g.api.objects);
        expect(fingerprint(g.lister.list())).toEqual(truth);
        expect(fingerprint(mirror.objects.values())).toEqual(truth);
        expect(g.logged.filter((line) => line.includes('threw'))).toEqual([]);
        await g.stop();
      },
    );

  test('the lister ends with what the server has, and so does who only heard of changes', async () => {
    await expect(fc.assert(converges(), { numRuns: 300 })).resolves.toBeUndefined();
  }, 30_000);

  test('what is read is at least as new as our own writes', async () => {
    await expect(fc.assert(readsItsWrites(), { numRuns: 300 })).resolves.toBeUndefined();
  }, 30_000);

  test.each(MUTATIONS)(
    'that would not be so if $name',
    async ({ breaks, plant }) => {
      const mend = plant();
      const options = { numRuns: 1000, seed: 7, endOnFailure: true };
      const check = () =>
        breaks === 'convergence' ? fc.check(converges(), options) : fc.check(readsItsWrites(), options);
      try {
        expect(await check()).toMatchObject({ failed: true });
      } finally {
        mend();
      }
    },
    60_000,
  );
});
