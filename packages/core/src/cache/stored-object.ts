import type { DeepReadonly, KubernetesObject, ObjectMeta } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import { decodeRest, type EncodedObject } from '../client/encoded-object.js';
import { type Block, ByteStore } from './byte-store.js';
import { type Cached, metaOf, share } from './cached.js';
import { type Droppable, Recent } from './recent.js';

/** Bytes of JSON whose parsed form is kept for the next reader. */
const RECENT = 32 * 2 ** 20;

/** An object in a store. The metadata are always at hand, the rest is made when it is asked for. */
export interface StoredObject<T extends KubernetesObject> {
  readonly metadata: DeepReadonly<ObjectMeta>;
  /** The same object each time, for as long as anybody has it. */
  readonly object: Cached<T>;
  /** As {@link object}, for a reader that is likely to come again: it stays parsed. */
  read(): Cached<T>;
  /** Whoever was to hear of it has: from now on it may take up less. */
  drop(): void;
  /** It is no longer in the store, and is not to be asked for any more. Objects that were given out stay what they are. */
  release(): void;
}

/** What the objects of one or several stores share: the memory they are kept in, and which of them stay parsed. */
export class Memory {
  readonly bytes: ByteStore;
  readonly recent: Recent;

  /** Bytes of a slab, and of JSON that stays parsed: given by tests that want little of both. */
  constructor(slabSize?: number, recent: number = RECENT) {
    this.bytes = new ByteStore(slabSize);
    this.recent = new Recent(recent);
  }
}

export interface Keeping<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly memory: Memory;
  /** What is done to an object whenever it was parsed. */
  readonly finish: (object: T) => T;
}

/**
 * Kept as JSON outside of the heap, where the garbage collector neither walks nor copies it. What readers
 * asked for lately stays parsed; what any of them still has is given to the others too.
 */
export class EncodedStoredObject<T extends KubernetesObject> implements StoredObject<T>, Droppable {
  readonly metadata: DeepReadonly<ObjectMeta>;
  readonly #keeping: Keeping<T>;
  readonly #block: Block;
  /** While it has just arrived or been read. */
  #parsed: Cached<T> | undefined;
  /** What was given out, for as long as anybody has it. */
  #given: WeakRef<object> | undefined;

  constructor(encoded: EncodedObject<T>, keeping: Keeping<T>) {
    const object = keeping.finish(encoded.object);
    this.#keeping = keeping;
    this.metadata = object.metadata as DeepReadonly<ObjectMeta>;
    this.#block = keeping.memory.bytes.add(encoded.restLength, (target, offset) =>
      encoded.copyRest(target, offset),
    );
    this.#parsed = share(object);
  }

  get size(): number {
    return this.#block.length;
  }

  get object(): Cached<T> {
    const object = this.#parsed ?? (this.#given?.deref() as Cached<T> | undefined) ?? this.#decoded();
    this.#given ??= new WeakRef(object);
    return object;
  }

  read(): Cached<T> {
    this.#parsed ??= this.object;
    this.#given ??= new WeakRef(this.#parsed);
    this.#keeping.memory.recent.used(this);
    return this.#parsed;
  }

  drop(): void {
    this.#parsed = undefined;
  }

  release(): void {
    this.drop();
    this.#keeping.memory.recent.forget(this);
    this.#keeping.memory.bytes.free(this.#block);
  }

  #decoded(): Cached<T> {
    const { resource, finish } = this.#keeping;
    this.#given = undefined;
    return share(finish(decodeRest<T>(this.#block.text(), this.metadata as ObjectMeta, resource)));
  }
}

/** Kept as it is: what a user's transform made may be more than JSON. */
export class PlainStoredObject<T extends KubernetesObject> implements StoredObject<T> {
  readonly object: Cached<T>;

  constructor(object: Cached<T>) {
    this.object = object;
  }

  get metadata(): DeepReadonly<ObjectMeta> {
    return metaOf<T>(this.object);
  }

  read(): Cached<T> {
    return this.object;
  }

  drop(): void {}

  release(): void {}
}
