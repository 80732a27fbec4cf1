/** The accepted writes in the order of their commits: what a test reads to prove what happened. */
import type { JsonObject } from '../object/json.js';
import type { Environment } from './environment.js';
import { nameOf, namespaceOf, versionOf } from './meta.js';
import type { Resource } from './resource.js';
import type { WriteContext } from './write-context.js';

export interface JournalEntry {
  /** Milliseconds on the monotonic clock (`performance.now()`) of the server's process. */
  readonly at: number;
  readonly time: Date;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  /** As `leases`, with its group beside it. */
  readonly resource: string;
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** Of the object after the write; of a removal, the revision of the removal. */
  readonly resourceVersion: string;
  /** False if the write was accepted but left the object as it was. */
  readonly changed: boolean;
  /** True if the object is gone after this write. */
  readonly removed: boolean;
  /** The object after the write, in the version that the request named. */
  readonly object: JsonObject;
}

export type JournalListener = (entry: JournalEntry) => void;

interface Write {
  readonly resource: Resource;
  readonly object: JsonObject;
  readonly changed: boolean;
  readonly removed: boolean;
}

export class Journal {
  readonly #environment: Environment;
  readonly #limit: number;
  readonly #listeners = new Set<JournalListener>();
  #entries: JournalEntry[] = [];

  /** Keeps the last `limit` entries, and now and then up to twice as many. */
  constructor(environment: Environment, limit: number) {
    this.#environment = environment;
    this.#limit = limit;
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  onWrite(listener: JournalListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  record(context: WriteContext, { resource, object, changed, removed }: Write): void {
    const entry: JournalEntry = {
      at: this.#environment.monotonic(),
      time: this.#environment.now(),
      user: context.user.name,
      userAgent: context.userAgent,
      verb: context.verb,
      group: resource.definition.group,
      resource: resource.definition.plural,
      namespace: namespaceOf(object),
      name: nameOf(object),
      subresource: context.subresource,
      resourceVersion: versionOf(object),
      changed,
      removed,
      object,
    };
    this.#entries.push(entry);
    if (this.#entries.length > this.#limit * 2) this.#entries = this.#entries.slice(-this.#limit);
    for (const listener of this.#listeners) listener(entry);
  }
}
