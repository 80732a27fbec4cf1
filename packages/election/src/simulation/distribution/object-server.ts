import type { Draft, KubernetesObject, WatchEvent } from '@incumbent/core/client';
import { apiError } from '../api-server.js';
import type { WatchStream } from '../watch-stream.js';

/** Any object: a Lease, or an item of work. */
export type StoredObject = KubernetesObject & { spec?: unknown; status?: unknown };

/** Which objects a list or a watch is of. */
export interface Selection {
  readonly kind: string;
  readonly name?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

interface Change {
  readonly version: number;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

type Told = (before: StoredObject | undefined, after: StoredObject | undefined) => void;
type Publish = (stream: WatchStream<StoredObject>, event: WatchEvent<StoredObject>) => void;

/** The API server and its store: objects of several kinds, with optimistic concurrency, and their watches. It answers as a real one does. */
export class ObjectServer {
  readonly #objects = new Map<string, StoredObject>();
  readonly #publish: Publish;
  readonly #told: Told;
  readonly #streams = new Map<WatchStream<StoredObject>, Selection>();
  #version = 100;
  #uid = 0;
  #history: Change[] = [];
  /** Watches can't start at versions before this. */
  #compacted = 0;
  /** Requests are refused before this time. */
  downUntil = 0;
  /** Counts restarts: what was under way at one is lost. */
  boots = 0;

  /** `told`: called with each change as it is stored. */
  constructor(publish: Publish, told: Told) {
    this.#publish = publish;
    this.#told = told;
  }

  get version(): string {
    return String(this.#version);
  }

  get streams(): Iterable<WatchStream<StoredObject>> {
    return [...this.#streams.keys()];
  }

  get(kind: string, name: string): StoredObject | undefined {
    return this.#objects.get(`${kind}/${name}`);
  }

  list(selection: Selection): StoredObject[] {
    return [...this.#objects.values()].filter((object) => isSelected(object, selection));
  }

  create(kind: string, draft: Draft<StoredObject>): StoredObject {
    if (this.get(kind, draft.metadata.name ?? '')) throw apiError(409, 'AlreadyExists');
    const metadata = { ...draft.metadata, uid: `uid-${++this.#uid}` } as StoredObject['metadata'];
    return this.#store(undefined, { apiVersion: 'v1', ...draft, kind, metadata });
  }

  /** A PUT of the whole, or of the status alone. Conditional, as Leases and custom resources always are. */
  update(kind: string, object: StoredObject, { subresource }: { subresource?: 'status' } = {}): StoredObject {
    const before = this.get(kind, object.metadata.name);
    const { uid, resourceVersion } = object.metadata;
    if (!before)
      throw apiError(kind === 'Lease' && uid ? 409 : 404, kind === 'Lease' ? 'Conflict' : 'NotFound');
    if (uid !== before.metadata.uid || resourceVersion !== before.metadata.resourceVersion)
      throw apiError(409, 'Conflict');
    const after = subresource ? { ...before, status: object.status } : { ...object, kind };
    return this.#store(before, { ...after, metadata: { ...after.metadata, uid: before.metadata.uid } });
  }

  /** A merge patch; conditional if it names a version. */
  patch(kind: string, name: string, { metadata = {}, ...rest }: MergePatch): StoredObject {
    const before = this.get(kind, name);
    if (!before) throw apiError(404, 'NotFound');
    const { resourceVersion = before.metadata.resourceVersion } = metadata;
    if (resourceVersion !== before.metadata.resourceVersion) throw apiError(409, 'Conflict');
    const labels = merged(before.metadata.labels, metadata.labels);
    const annotations = merged(before.metadata.annotations, metadata.annotations);
    return this.#store(before, { ...before, ...rest, metadata: { ...before.metadata, labels, annotations } });
  }

  delete(kind: string, name: string, preconditions: { uid?: string; resourceVersion?: string } = {}): void {
    const before = this.get(kind, name);
    if (!before) throw apiError(404, 'NotFound');
    const { uid, resourceVersion } = before.metadata;
    if (
      (preconditions.uid ?? uid) !== uid ||
      (preconditions.resourceVersion ?? resourceVersion) !== resourceVersion
    )
      throw apiError(409, 'Conflict');
    this.#record(before, undefined);
  }

  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** Opens a watch after `version`; without one the present state comes first. */
  watch(stream: WatchStream<StoredObject>, selection: Selection, version: string | undefined): void {
    const from = version === undefined ? this.#version : Number(version);
    if (from < this.#compacted) throw apiError(410, 'Expired');
    if (version === undefined)
      for (const object of this.list(selection)) this.#publish(stream, { type: 'ADDED', object });
    stream.from = from;
    for (const change of this.#history) if (change.version > from) this.#tell(stream, selection, change);
    this.#streams.set(stream, selection);
  }

  close(stream: WatchStream<StoredObject>): void {
    this.#streams.delete(stream);
  }

  /** A write that changes nothing succeeds without a new version. */
  #store(before: StoredObject | undefined, after: StoredObject): StoredObject {
    if (before && JSON.stringify(before) === JSON.stringify(after)) return before;
    return this.#record(before, after) as StoredObject;
  }

  #record(before: StoredObject | undefined, after: StoredObject | undefined): StoredObject | undefined {
    const version = ++this.#version;
    const metadata = (after ?? before)?.metadata as StoredObject['metadata'];
    const stored = after && { ...after, metadata: { ...metadata, resourceVersion: String(version) } };
    const key = `${(after ?? before)?.kind}/${metadata.name}`;
    if (stored) this.#objects.set(key, stored);
    else this.#objects.delete(key);
    const change = { version, before, after: stored };
    this.#history.push(change);
    this.#told(before, stored);
    for (const [stream, selection] of this.#streams) this.#tell(stream, selection, change);
    return stored;
  }

  /** What leaves a selection is told as deleted: as it was, with the version of what happened. */
  #tell(stream: WatchStream<StoredObject>, selection: Selection, { version, before, after }: Change): void {
    const [was, is] = [before, after].map((object) => object !== undefined && isSelected(object, selection));
    if (is && after) this.#publish(stream, { type: was ? 'MODIFIED' : 'ADDED', object: after });
    else if (was && before) {
      const metadata = { ...before.metadata, resourceVersion: String(version) };
      this.#publish(stream, { type: 'DELETED', object: { ...before, metadata } });
    }
  }
}

export interface MergePatch {
  readonly status?: unknown;
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string | null>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
}

function merged(
  before: Readonly<Record<string, string>> = {},
  patch: Readonly<Record<string, string | null>> = {},
): Record<string, string> {
  const entries = Object.entries({ ...before, ...patch });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

function isSelected(object: StoredObject, { kind, name, labels }: Selection): boolean {
  if (object.kind !== kind || (name !== undefined && object.metadata.name !== name)) return false;
  return Object.entries(labels).every(([label, value]) => object.metadata.labels?.[label] === value);
}
