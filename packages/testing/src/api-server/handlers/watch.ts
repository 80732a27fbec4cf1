/** Watches: the changes of a collection as they happen, one JSON document a line. */
import type { JsonObject } from '../../object/json.js';
import { failure, unknownError } from '../../object/status.js';
import type { Change, Stored } from '../collection.js';
import type { AnyResponse, ApiRequest, Sink, StreamResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { parseListOptions } from '../list-options.js';
import type { ListOptions } from '../list-options.js';
import { nameOf, versionOf, withMetadata } from '../meta.js';
import { negotiate } from '../negotiation.js';
import type { Form } from '../negotiation.js';
import { rowObject, tableShape } from '../present.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { noNumber } from './list.js';
import { parseSelection } from '../selection.js';
import type { Selection } from '../selection.js';
import { partialMetadata, renderTable } from '../table.js';
import type { TableShape } from '../table.js';

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** A watch without a timeout of its own ends after this many ms. */
const longestWatch = 45 * 60_000;
/** A last bookmark is sent this many ms before a watch ends. */
const farewell = 2000;

/** @throws StatusError 500 for a version that is no number */
export function watch(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): AnyResponse {
  const options = parseListOptions(request, true);
  const selection = named(parseSelection(resource, options), target.name);
  const form = negotiate(request.headers.accept, { streams: true });
  if (!/^\d*$/.test(options.resourceVersion)) throw unknownError(noNumber(options.resourceVersion));
  const shape = tableShape(resource, request, kernel.environment.now());
  const place: Place = { resource, namespace: target.namespace, selection, form, shape };
  return streamOf(kernel, place, options);
}

/** The old paths below `/watch/` may end in a name. */
function named(selection: Selection, name: string): Selection {
  if (name === '') return selection;
  return {
    name: undefined,
    everything: false,
    matches: (object) => nameOf(object) === name && selection.matches(object),
  };
}

interface Place {
  readonly resource: Resource;
  readonly namespace: string;
  readonly selection: Selection;
  readonly form: Form;
  readonly shape: TableShape;
}

function streamOf(kernel: Kernel, place: Place, options: ListOptions): StreamResponse {
  return {
    stream: {
      contentType: 'application/json',
      start: (sink) => {
        const session = new WatchSession(kernel, place, sink);
        session.begin(options);
        return () => session.stop();
      },
    },
  };
}

class WatchSession {
  readonly #kernel: Kernel;
  readonly #place: Place;
  readonly #sink: Sink;
  readonly #cleanups: (() => void)[] = [];
  #columnsSent = false;
  #stopped = false;
  /** Changes up to here have been sent, or are too old to be wanted. */
  #revision = 0;

  constructor(kernel: Kernel, place: Place, sink: Sink) {
    this.#kernel = kernel;
    this.#place = place;
    this.#sink = sink;
  }

  /** Catches up and subscribes in one go, so that no change falls between. */
  begin(options: ListOptions): void {
    const { storage, registry } = this.#kernel;
    const { resource } = this.#place;
    const collection = storage.collection(resource.definition.storedAs);
    if (!this.#catchUp(options)) return this.#end();
    this.#cleanups.push(
      collection.subscribe((change) => this.#onChange(change)),
      registry.onChange(() => {
        if (!registry.serves(resource)) this.#end();
      }),
    );
    this.#schedule(options);
  }

  stop(): void {
    this.#stopped = true;
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
  }

  #end(): void {
    if (this.#stopped) return;
    this.stop();
    this.#sink.end();
  }

  /** Sends what was before the watch; false if that is no longer known. */
  #catchUp({ resourceVersion, sendInitialEvents, bookmarks }: ListOptions): boolean {
    const { storage } = this.#kernel;
    const fromNow = resourceVersion === '' || resourceVersion === '0';
    const state = sendInitialEvents ?? fromNow;
    if (state) {
      this.#sendState();
      this.#revision = storage.revision;
    } else if (fromNow) {
      this.#revision = storage.revision;
    } else if (!this.#replay(Number(resourceVersion))) {
      return false;
    }
    // Told also to those who did not ask for initial events, but got them.
    if (bookmarks && state) this.#bookmark(true);
    return true;
  }

  #sendState(): void {
    const { resource, namespace, selection } = this.#place;
    for (const stored of this.#kernel.storage.collection(resource.definition.storedAs).list(namespace)) {
      if (selection.everything || selection.matches(resource.view(stored))) this.#send('ADDED', stored);
    }
  }

  #replay(revision: number): boolean {
    const { storage } = this.#kernel;
    const { resource } = this.#place;
    this.#revision = revision;
    const collection = storage.collection(resource.definition.storedAs);
    const changes = revision > storage.revision ? [] : collection.changesSince(revision);
    if (changes === undefined) {
      this.#error(410, 'Expired', `too old resource version: ${revision} (${collection.forgotten})`);
      return false;
    }
    for (const change of changes) this.#onChange(change);
    return true;
  }

  #onChange(change: Change): void {
    const { stored, previous, type } = change;
    if (stored.revision <= this.#revision) return;
    this.#revision = stored.revision;
    const { resource, namespace, selection } = this.#place;
    if (namespace !== '' && stored.namespace !== namespace) return;
    if (selection.everything) return this.#send(type, stored);
    const before = previous !== undefined && selection.matches(resource.view(previous));
    const now = type !== 'DELETED' && selection.matches(resource.view(stored));
    if (now) this.#send(before ? 'MODIFIED' : 'ADDED', stored);
    else if (before) this.#send('DELETED', type === 'DELETED' ? stored : departed(previous, stored.revision));
  }

  #send(type: EventType, stored: Stored): void {
    const { form, resource } = this.#place;
    if (form === 'table') return this.#sendRow(type, resource.view(stored));
    this.#sink.write(eventLine(resource, form, type, stored));
  }

  #sendRow(type: EventType, object: JsonObject): void {
    const { resource, shape } = this.#place;
    const fresh = { ...shape, now: this.#kernel.environment.now() };
    const metadata = { resourceVersion: versionOf(object) };
    const withColumns = !this.#columnsSent;
    const row = type === 'BOOKMARK' ? object : rowObject(resource, object);
    const table = renderTable([row], fresh, { metadata, withColumns });
    this.#columnsSent = true;
    this.#sink.write(line(type, JSON.stringify(table)));
  }

  #bookmark(initialEventsEnd = false): void {
    const { resource, form } = this.#place;
    const object: JsonObject = {
      kind: form === 'metadata' ? 'PartialObjectMetadata' : resource.definition.kind,
      apiVersion: form === 'metadata' ? 'meta.k8s.io/v1' : resource.apiVersion,
      metadata: {
        resourceVersion: String(Math.max(this.#kernel.storage.revision, this.#revision)),
        ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    };
    if (form === 'table') this.#sendRow('BOOKMARK', object);
    else this.#sink.write(line('BOOKMARK', JSON.stringify(object)));
  }

  #error(code: number, reason: string, message: string): void {
    const { status } = failure({ code, reason, message });
    this.#sink.write(line('ERROR', JSON.stringify(status)));
  }

  #schedule({ timeoutSeconds = 0, bookmarks }: ListOptions): void {
    const { environment, bookmarkInterval } = this.#kernel;
    const timeout = timeoutSeconds > 0 ? timeoutSeconds * 1000 : longestWatch;
    this.#cleanups.push(environment.after(timeout, () => this.#end()));
    if (!bookmarks) return;
    if (timeout > farewell)
      this.#cleanups.push(environment.after(timeout - farewell, () => this.#bookmark()));
    this.#repeat(bookmarkInterval);
  }

  #repeat(interval: number): void {
    const next = this.#kernel.environment.after(interval, () => {
      this.#bookmark();
      this.#cleanups.splice(this.#cleanups.indexOf(next), 1);
      this.#repeat(interval);
    });
    this.#cleanups.push(next);
  }
}

/** An object that a selector no longer matches: as it was when it last did, under the new version. */
function departed(previous: Stored, revision: number): Stored {
  const object = withMetadata(previous.object, { resourceVersion: String(revision) });
  return { ...previous, object, revision };
}

function line(type: EventType, json: string): Buffer {
  return Buffer.from(`{"type":"${type}","object":${json}}\n`);
}

type Lines = Partial<Record<string, Buffer>>;
const written = new WeakMap<Resource, WeakMap<Stored, Lines>>();

/** The line for one version of an object: made once, whoever watches. */
function eventLine(resource: Resource, form: Form, type: EventType, stored: Stored): Buffer {
  const ofResource = written.get(resource) ?? new WeakMap<Stored, Lines>();
  written.set(resource, ofResource);
  const lines = ofResource.get(stored) ?? {};
  ofResource.set(stored, lines);
  const key = `${form}/${type}`;
  const json = (): string =>
    form === 'metadata' ? JSON.stringify(partialMetadata(resource.view(stored))) : resource.json(stored);
  return (lines[key] ??= line(type, json()));
}
