/** Ways to break the cache, one at a time. Each is a mistake that somebody has made, or nearly; the properties must find each. */
import type { KubernetesObject } from '../api/object.js';
import type { ListerWatcher } from '../client/lister-watcher.js';
import { isGone } from '../api/errors.js';
import { FakeApi } from '../watch/fake-api.fake.js';
import { Block } from './byte-store.js';
import { Handlers } from './handlers.js';
import { Index } from './indexer.js';
import { OwnWrites } from './own-writes.js';
import { Store } from './store.js';

export interface Mutation {
  readonly name: string;
  readonly breaks: 'convergence' | 'read-your-writes';
  /** Returns what mends it. */
  readonly plant: () => () => void;
}

type Source = ListerWatcher<KubernetesObject>;

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a watch began one version late',
    breaks: 'convergence',
    plant: throughSource((source) => ({
      ...source,
      watch: (options) =>
        source.watch({
          ...options,
          ...(options.resourceVersion && { resourceVersion: String(Number(options.resourceVersion) + 1) }),
        }),
    })),
  },
  {
    name: 'only the first page of a list were read',
    breaks: 'convergence',
    plant: throughSource((source) => ({
      ...source,
      async *list(options) {
        for await (const part of source.list(options))
          yield part.type === 'end' ? { ...part, continue: undefined } : part;
      },
    })),
  },
  {
    name: 'a list that broke off counted as complete',
    breaks: 'convergence',
    plant: throughSource((source, api) => ({
      ...source,
      async *list(options) {
        let items = 0;
        try {
          for await (const part of source.list(options)) {
            if (part.type === 'items') items += 1;
            yield part;
          }
        } catch (error) {
          if (items === 0) throw error;
          yield { type: 'end', resourceVersion: String(api.version), continue: undefined };
        }
      },
    })),
  },
  {
    name: 'a version that has expired were an ordinary end',
    breaks: 'convergence',
    plant: throughSource((source, api) => ({
      ...source,
      async *watch(options) {
        try {
          yield* source.watch(options);
        } catch (error) {
          if (!isGone(error)) throw error;
          yield* source.watch({ ...options, resourceVersion: String(api.version) });
        }
      },
    })),
  },
  {
    name: 'what a list does not have stayed',
    breaks: 'convergence',
    plant: () => patch(Store.prototype, 'sweep', () => [][Symbol.iterator]() as never),
  },
  {
    name: 'a list told only of what is new to the store',
    breaks: 'convergence',
    plant: () =>
      around(Store.prototype, 'list', (list, [arrival], store) =>
        store.delivered.has(`${arrival.metadata.namespace}/${arrival.metadata.name}`) ? [] : list(arrival),
      ),
  },
  {
    name: 'a list that begins anew kept what the one before had told of',
    breaks: 'convergence',
    plant: () => {
      const begun = new WeakSet<object>();
      return around(Store.prototype, 'listing', (listing, _, store) => {
        if (!begun.has(store)) listing();
        begun.add(store);
      });
    },
  },
  {
    name: 'deletions were not heard of',
    breaks: 'convergence',
    plant: () =>
      around(Handlers.prototype, 'tell', (tell, [change, isInitial]) =>
        change.type === 'deleted' ? undefined : tell(change, isInitial),
      ),
  },
  {
    name: 'what a list found changed were not told',
    breaks: 'convergence',
    plant: () =>
      around(Store.prototype, 'list', (list, [arrival]) => {
        const changes = list(arrival);
        return changes.filter(({ type }) => type === 'added');
      }),
  },
  {
    name: 'an object that left a value of an index were still found there',
    breaks: 'convergence',
    plant: () =>
      around(Index.prototype, 'set', (set, [key, object]) => (object ? set(key, object) : undefined)),
  },
  {
    name: 'blocks were moved without their bytes',
    breaks: 'convergence',
    plant: () =>
      around(Block.prototype, 'move', (_, [slab], block) =>
        block.place(slab, (target, at) => target.fill(0, at)),
      ),
  },
  {
    name: 'an object were released once it was told of',
    breaks: 'convergence',
    plant: () =>
      around(Handlers.prototype, 'tell', (tell, [change, isInitial]) => {
        tell(change, isInitial);
        change.after?.release();
      }),
  },
  {
    name: 'any event of an object took our newer write away',
    breaks: 'read-your-writes',
    plant: () =>
      around(OwnWrites.prototype, 'delivered', (delivered, [key, metadata, isDeletion]) =>
        delivered(key, { ...metadata, resourceVersion: '9999' }, isDeletion),
      ),
  },
  {
    name: 'a bookmark took our writes away, whatever its version',
    breaks: 'read-your-writes',
    plant: () =>
      around(OwnWrites.prototype, 'caughtUp', (caughtUp, [, delivered]) => caughtUp('9999', delivered)),
  },
  {
    name: 'a list that was on its way before our write took it away',
    breaks: 'read-your-writes',
    plant: () => around(Store.prototype, 'listed', (listed) => listed('1')),
  },
  {
    name: 'an answer that another overtook counted',
    breaks: 'read-your-writes',
    plant: () =>
      around(OwnWrites.prototype, 'written', (written, [key, object], notes) => {
        notes.clear();
        written(key, object);
      }),
  },
  {
    name: 'our deletions were not noted',
    breaks: 'read-your-writes',
    plant: () => patch(OwnWrites.prototype, 'deleted', () => {}),
  },
];

/** A mutation of what the reflector is told. */
function throughSource(change: (source: Source, api: FakeApi) => Source): () => () => void {
  return () =>
    around(
      FakeApi.prototype,
      'stream',
      (stream, args, api) => change(stream(...args) as Source, api) as never,
    );
}

// eslint-disable-next-line typescript/no-explicit-any -- the shape of whatever is broken
type Method = (...args: any[]) => unknown;

/** Replaces a method for all objects of a class. Returns what puts it back. */
function patch<C extends object, N extends keyof C>(prototype: C, name: N, broken: C[N]): () => void {
  const sound = prototype[name];
  prototype[name] = broken;
  return () => void (prototype[name] = sound);
}

function around<C extends object, N extends keyof C>(
  prototype: C,
  name: N,
  broken: C[N] extends Method ? (sound: C[N], args: Parameters<C[N]>, self: C) => ReturnType<C[N]> : never,
): () => void {
  const sound = prototype[name] as Method;
  return patch(prototype, name, function (this: C, ...args: unknown[]) {
    return (broken as Method)(sound.bind(this), args, this);
  } as C[N]);
}
