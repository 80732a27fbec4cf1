import { ApiError, type Draft, type Lease, type WatchEvent } from '@incumbent/core/client';
import { fingerprintOf } from '../lease/lease-record.js';
import type { WatchStream } from './watch-stream.js';

type LeaseEvent = { readonly version: number; readonly event: WatchEvent<Lease> };

/** What is told of each state of the Lease that the server stored. */
export interface Stored {
  readonly before: Lease | undefined;
  readonly after: Lease | undefined;
}

/** The API server and its store: one Lease, with optimistic concurrency, and its watches. It answers as a real one does. */
export class ApiServer {
  #lease: Lease | undefined;
  #version = 100;
  #uid = 0;
  #history: LeaseEvent[] = [];
  /** Watches can't start at versions before this. */
  #compacted = 0;
  readonly #streams = new Set<WatchStream>();
  readonly #publish: (stream: WatchStream, event: WatchEvent<Lease>) => void;
  /** Requests are refused before this time. */
  downUntil = 0;
  /** Counts restarts: what was under way at one is lost. */
  boots = 0;

  constructor(publish: (stream: WatchStream, event: WatchEvent<Lease>) => void) {
    this.#publish = publish;
  }

  get lease(): Lease | undefined {
    return this.#lease;
  }

  create(draft: Draft<Lease>): Stored {
    if (this.#lease) throw apiError(409, 'AlreadyExists');
    return this.#store('ADDED', {
      ...draft,
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...draft.metadata, uid: `uid-${++this.#uid}` } as Lease['metadata'],
    });
  }

  /** A PUT. Without a uid it creates what is missing; one that changes nothing succeeds without a new version. */
  update(lease: Lease): Stored {
    const current = this.#lease;
    const { uid, resourceVersion } = lease.metadata;
    if (!current) {
      if (uid) throw apiError(409, 'Conflict');
      return this.create(lease);
    }
    if (uid && uid !== current.metadata.uid) throw apiError(409, 'Conflict');
    if (unchanged(current, lease)) return { before: current, after: current };
    if (resourceVersion !== current.metadata.resourceVersion) throw apiError(409, 'Conflict');
    return this.#store('MODIFIED', { ...lease, metadata: { ...lease.metadata, uid: current.metadata.uid } });
  }

  delete(): Stored | undefined {
    const before = this.#lease;
    if (!before) return undefined;
    this.#lease = undefined;
    this.#record('DELETED', before);
    return { before, after: undefined };
  }

  /** Goes back to an older state, with its version. */
  restore(to: Lease | undefined, version: number): void {
    this.#lease = to;
    this.#version = version;
    this.#history = this.#history.filter((entry) => entry.version <= version);
  }

  get version(): number {
    return this.#version;
  }

  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** Opens a watch after `version`; without one the present state comes first. */
  watch(stream: WatchStream, version: string | undefined): void {
    const from = version === undefined ? this.#version : Number(version);
    if (from < this.#compacted) throw apiError(410, 'Expired');
    if (version === undefined && this.#lease) this.#publish(stream, { type: 'ADDED', object: this.#lease });
    for (const entry of this.#history) if (entry.version > from) this.#publish(stream, entry.event);
    stream.from = from;
    this.#streams.add(stream);
  }

  close(stream: WatchStream): void {
    this.#streams.delete(stream);
  }

  get streams(): Iterable<WatchStream> {
    return Array.from(this.#streams);
  }

  #store(type: 'ADDED' | 'MODIFIED', lease: Lease): Stored {
    const before = this.#lease;
    this.#lease = lease;
    this.#record(type, lease);
    return { before, after: this.#lease };
  }

  #record(type: 'ADDED' | 'MODIFIED' | 'DELETED', lease: Lease): void {
    const version = ++this.#version;
    const object = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(version) } };
    if (type !== 'DELETED') this.#lease = object;
    const event: WatchEvent<Lease> = { type, object };
    this.#history.push({ version, event });
    // A watch that was opened from a version of the future hears nothing until then.
    for (const stream of this.#streams) if (version > stream.from) this.#publish(stream, event);
  }
}

function unchanged(current: Lease, next: Lease): boolean {
  return (
    fingerprintOf(current) === fingerprintOf(next) &&
    JSON.stringify(current.metadata.annotations) === JSON.stringify(next.metadata.annotations) &&
    JSON.stringify(current.metadata.labels) === JSON.stringify(next.metadata.labels)
  );
}

export function apiError(statusCode: number, reason: string, retryAfter?: number): ApiError {
  return new ApiError('Lease', statusCode, { reason, message: reason, code: statusCode }, retryAfter);
}
