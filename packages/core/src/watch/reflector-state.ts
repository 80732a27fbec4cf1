import { isApiError, isGone, type RequestError } from '../api/errors.js';
import type { KubernetesObject, ObjectMeta } from '../api/object.js';
import type { EncodedObject } from '../client/encoded-object.js';
import type { EncodedEvent, ListPart } from '../client/lister-watcher.js';
import type { BackOff } from '../kit/back-off.js';
import { asError, IncumbentError, isIncumbentError } from '../kit/error.js';

/**
 * What a {@link Reflector} tells its listener. Errors are items like the others: none ends it.
 *
 * A list is told as it arrives: `listing`, then `listedSome` as often as need be, then `listed`. It may break off anywhere, then the
 * next word of it is `listing` again or more of `listedSome`. While it arrives a streamed list may tell of changes too.
 */
export type ReflectorEvent<T extends KubernetesObject> =
  /** A list begins to arrive. */
  | { readonly type: 'listing' }
  | { readonly type: 'listedSome'; readonly objects: readonly EncodedObject<T>[] }
  /** The list is complete: what it did not tell of since `listing` is gone. */
  | { readonly type: 'listed'; readonly resourceVersion: string }
  | { readonly type: 'applied' | 'deleted'; readonly object: EncodedObject<T> }
  /** Nothing changed up to `resourceVersion`. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  /** A request failed. `next` is tried in `retryIn` milliseconds. */
  | {
      readonly type: 'failed';
      readonly error: Error;
      readonly during: Doing;
      readonly next: Doing;
      readonly retryIn: number;
    };

export type Doing = 'list' | 'watch';

/** How a list is asked for: all of it at once, in pages, or as the beginning of a watch (`sendInitialEvents`). */
export type ListMode = 'whole' | 'pages' | 'stream';

interface Common {
  readonly failures: Failures;
  /** How the next list is to be asked for, as far as we know what the server can do. */
  readonly mode: ListMode;
}

export interface Listing extends Common {
  readonly phase: 'listing';
  readonly asks: 'whole' | 'pages';
  /** Whether the listener knows that this list has begun. */
  readonly begun: boolean;
  /** The version of the first page: where the watch begins. */
  readonly version: string | undefined;
  /** Token of the next page. */
  readonly token: string | undefined;
}

/** The list comes as the beginning of a watch. */
export interface Streaming extends Common {
  readonly phase: 'streaming';
  readonly begun: boolean;
  readonly opened: number;
}

export interface Watching extends Common {
  readonly phase: 'watching';
  /** The watch goes on after this version, also when it has to be opened anew. */
  readonly version: string;
  /** Monotonic milliseconds at which this watch was opened. */
  readonly opened: number;
  /** Whether this watch has brought anything yet, be it a bookmark. */
  readonly heard: boolean;
  /** How many watches before this one, one after the other, brought nothing although they should have. */
  readonly fruitless: number;
}

export interface BackingOff extends Common {
  readonly phase: 'backingOff';
  /** Milliseconds. */
  readonly delay: number;
  readonly next: Listing | Streaming | Watching;
}

export type ReflectorState = Listing | Streaming | Watching | BackingOff;

export type ReflectorInput<T extends KubernetesObject> =
  /** A part of the answer to a list. */
  | ListPart<T>
  | { readonly type: 'event'; readonly event: EncodedEvent<T> }
  /** The server ended the watch in good order. */
  | { readonly type: 'ended' }
  /** The list or the watch failed. */
  | { readonly type: 'failed'; readonly error: unknown }
  /** The back-off is over. */
  | { readonly type: 'waited' };

export interface ReflectorStep<T extends KubernetesObject> {
  readonly state: ReflectorState;
  readonly emit: readonly ReflectorEvent<T>[];
}

interface Failures {
  readonly backOff: BackOff;
  /** Monotonic milliseconds at which the latest was, or is to be, retried. */
  readonly retried: number | undefined;
  /** Whether the version had expired (410) since the last calm. */
  readonly gone: boolean;
}

/**
 * Milliseconds without a failure, from a retry on, after which the next one counts as the first. Below the idle limit: a resource so quiet
 * that its watches die of it must not end up with long pauses between them.
 */
const CALM = 60_000;
/** A watch that the server ends sooner than this, in milliseconds, is a failure: reopening it at once would be a hot loop. */
const SHORT = 1000;
/** A watch that lived this long, in milliseconds, should have brought a bookmark: they come about once a minute. */
const SILENT = 75_000;
/**
 * After so many watches in a row that brought nothing although they should have, the version itself is in doubt: a server whose etcd
 * was restored stays silent about versions that it has not reached yet, and an event that can't be parsed comes again each time.
 */
const FRUITLESS = 3;

export function initialState(backOff: BackOff, mode: ListMode = 'whole', now = 0): Listing | Streaming {
  return relisting({ failures: { backOff, retried: undefined, gone: false }, mode }, now);
}

/** The reflector's next state, and what it tells its listener. Pure: `now` is monotonic milliseconds. */
export function step<T extends KubernetesObject>(
  state: ReflectorState,
  input: ReflectorInput<T>,
  now: number,
): ReflectorStep<T> {
  switch (state.phase) {
    case 'listing':
      if (input.type === 'items') return listedSome(state, input.items, now);
      if (input.type === 'end') return listEnded(state, input, now);
      if (input.type === 'ended')
        return listFailed(state, new IncumbentError('LIST_UNFINISHED', CUT_OFF), now);
      return input.type === 'failed' ? listFailed(state, input.error, now) : silently(state);
    case 'streaming':
      if (input.type === 'event') return streamed(state, input.event, now);
      if (input.type === 'ended')
        return notStreamed(state, new IncumbentError('WATCH_LIST_UNFINISHED', UNFINISHED), now);
      return input.type === 'failed' ? streamFailed(state, input.error, now) : silently(state);
    case 'watching':
      if (input.type === 'event') return happened(state, input.event, now);
      if (input.type === 'ended') return ended(state, now);
      return input.type === 'failed' ? watchFailed(state, input.error, now) : silently(state);
    case 'backingOff':
      return silently(input.type === 'waited' ? resumed(state, now) : state);
  }
}

const CUT_OFF = 'The answer to the list ended before its end.';
const UNFINISHED = 'The server ended the watch before it had sent all initial objects.';

function silently<T extends KubernetesObject>(state: ReflectorState): ReflectorStep<T> {
  return { state, emit: [] };
}

/** A list from its beginning. */
function relisting({ failures, mode }: Common, now: number): Listing | Streaming {
  if (mode === 'stream') return { phase: 'streaming', failures, mode, begun: false, opened: now };
  return asking({ failures, mode }, mode);
}

function asking({ failures, mode }: Common, asks: Listing['asks']): Listing {
  return { phase: 'listing', failures, mode, asks, begun: false, version: undefined, token: undefined };
}

function watching({ failures, mode }: Common, version: string, opened: number, fruitless = 0): Watching {
  return { phase: 'watching', failures, mode, version, opened, heard: false, fruitless };
}

function listedSome<T extends KubernetesObject>(
  state: Listing,
  objects: readonly EncodedObject<T>[],
  now: number,
): ReflectorStep<T> {
  const odd = objects.find((object) => !isObject(object));
  if (odd) return backOff(state, invalid('LIST_INVALID', odd.object), now, relisting(state, now));
  return {
    state: { ...state, begun: true },
    emit: [...beginning<T>(state), { type: 'listedSome', objects }],
  };
}

function listEnded<T extends KubernetesObject>(
  state: Listing,
  end: Extract<ListPart<T>, { type: 'end' }>,
  now: number,
): ReflectorStep<T> {
  const version = state.version ?? end.resourceVersion;
  const emit = beginning<T>(state);
  if (end.continue) return { state: { ...state, begun: true, version, token: end.continue }, emit };
  return {
    state: watching(state, version, now),
    emit: [...emit, { type: 'listed', resourceVersion: version }],
  };
}

function beginning<T extends KubernetesObject>({ begun }: { readonly begun: boolean }): ReflectorEvent<T>[] {
  return begun ? [] : [{ type: 'listing' }];
}

/** Before the bookmark that ends the list, changes may come already. */
function streamed<T extends KubernetesObject>(
  state: Streaming,
  event: EncodedEvent<T>,
  now: number,
): ReflectorStep<T> {
  if (!versionOf(event)) return streamFailed(state, invalid('WATCH_EVENT_INVALID', event), now);
  const emit = beginning<T>(state);
  if (event.type !== 'BOOKMARK') {
    const told: ReflectorEvent<T> =
      event.type === 'DELETED'
        ? { type: 'deleted', object: event.object }
        : { type: 'listedSome', objects: [event.object] };
    return { state: { ...state, begun: true }, emit: [...emit, told] };
  }
  const { resourceVersion } = event;
  if (!event.initialEventsEnd) return silently(state);
  return {
    state: { ...watching(state, resourceVersion, state.opened), heard: true },
    emit: [...emit, { type: 'listed', resourceVersion }],
  };
}

function streamFailed<T extends KubernetesObject>(
  state: Streaming,
  error: unknown,
  now: number,
): ReflectorStep<T> {
  if (isGone(error)) return goneBy(state, error, now, relisting(state, now));
  if (isRefused(error)) return notStreamed(state, error, now);
  return backOff(state, error, now, relisting(state, now));
}

/** The server can't: from now on by a list. */
function notStreamed<T extends KubernetesObject>(
  state: Streaming,
  error: unknown,
  now: number,
): ReflectorStep<T> {
  return backOff(state, error, now, relisting({ ...state, mode: 'whole' }, now));
}

/** The wire promises nothing. */
function isObject(object: { readonly metadata?: Partial<ObjectMeta> } | undefined): boolean {
  return Boolean(object?.metadata?.name && object.metadata.resourceVersion);
}

function listFailed<T extends KubernetesObject>(
  state: Listing,
  error: unknown,
  now: number,
): ReflectorStep<T> {
  // The snapshot behind the token has expired: everything again, in one piece so that this can't repeat.
  if (isGone(error) && state.token) return goneBy(state, error, now, asking(state, 'whole'));
  // With its token a page can be asked for again; without one the next answer is another snapshot.
  return backOff(state, error, now, state.token ? state : asking(state, otherwise(state, error)));
}

/** A list that broke off, or did not come to its end within the server's minute, may come in pages. */
function otherwise({ asks, begun }: Listing, error: unknown): Listing['asks'] {
  const isTooMuch = isRequestError(error)
    ? error.sent && (begun || error.code === 'REQUEST_TIMEOUT')
    : isTimeout(error);
  if (!isTooMuch) return asks;
  return asks === 'whole' ? 'pages' : 'whole';
}

function isTimeout(error: unknown): boolean {
  return isApiError(error) && error.statusCode === 504;
}

function happened<T extends KubernetesObject>(
  state: Watching,
  event: EncodedEvent<T>,
  now: number,
): ReflectorStep<T> {
  const version = versionOf(event);
  if (!version) return watchFailed(state, invalid('WATCH_EVENT_INVALID', event), now);
  return { state: { ...state, version, heard: true, fruitless: 0 }, emit: [emitted(event)] };
}

/** The version that the event brings; `undefined` if it is none after all. */
function versionOf(event: EncodedEvent<KubernetesObject>): string | undefined {
  switch (event?.type) {
    case 'BOOKMARK':
      return event.resourceVersion;
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return isObject(event.object) ? event.object.metadata.resourceVersion : undefined;
    default:
      return undefined;
  }
}

function invalid(code: 'LIST_INVALID' | 'WATCH_EVENT_INVALID', what: unknown): IncumbentError {
  const text = JSON.stringify(what) ?? String(what);
  return new IncumbentError(code, `The API server sent what is no object: ${text.slice(0, 200)}`);
}

function emitted<T extends KubernetesObject>(event: EncodedEvent<T>): ReflectorEvent<T> {
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'applied', object: event.object };
    case 'DELETED':
      return { type: 'deleted', object: event.object };
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion: event.resourceVersion };
  }
}

function ended<T extends KubernetesObject>(state: Watching, now: number): ReflectorStep<T> {
  const lived = now - state.opened;
  if (lived < SHORT) {
    const error = new IncumbentError(
      'WATCH_TOO_SHORT',
      `The server ended the watch after ${Math.round(lived)} ms.`,
    );
    return backOff(state, error, now, reopened(state, true, now));
  }
  return silently(reopened(state, lived >= SILENT, now));
}

function watchFailed<T extends KubernetesObject>(
  state: Watching,
  error: unknown,
  now: number,
): ReflectorStep<T> {
  if (isGone(error)) return goneBy(state, error, now, relisting(state, now));
  if (isRefused(error)) return backOff(state, error, now, relisting(state, now));
  const unheard = isOutage(error) ? now - state.opened >= SILENT : true;
  return backOff(state, error, now, reopened(state, unheard, now));
}

/** The request itself is wrong, by what the server knows now: asking again for the same won't help. */
function isRefused(error: unknown): boolean {
  if (!isApiError(error) || error.statusCode >= 500) return false;
  return ![401, 403, 429].includes(error.statusCode);
}

/** Nothing that says anything about the version: the server was not reached, or was not well. */
function isOutage(error: unknown): boolean {
  return isApiError(error) || (isRequestError(error) && !error.sent);
}

function isRequestError(error: unknown): error is RequestError {
  return isIncumbentError(error) && 'sent' in error;
}

/** The watch again from where it was, or a new list when watches keep bringing nothing. */
function reopened(state: Watching, shouldHaveBrought: boolean, now: number): Listing | Streaming | Watching {
  const fruitless = state.heard ? 0 : state.fruitless + (shouldHaveBrought ? 1 : 0);
  if (fruitless >= FRUITLESS) return relisting(state, now);
  return watching(state, state.version, now, fruitless);
}

function resumed({ next, failures }: BackingOff, now: number): Listing | Streaming | Watching {
  return next.phase === 'listing' ? { ...next, failures } : { ...next, failures, opened: now };
}

/** Lists at once, so that the listener is blind for as short as can be; but not again and again. */
function goneBy<T extends KubernetesObject>(
  state: Active,
  error: unknown,
  now: number,
  next: Listing | Streaming,
): ReflectorStep<T> {
  const repeated = state.failures.gone && !isCalm(state.failures, now);
  const failures = { ...state.failures, gone: true };
  if (repeated) return backOff({ ...state, failures }, error, now, next);
  return {
    state: { ...next, failures: { ...failures, retried: now } },
    emit: [failed(state, error, next, 0)],
  };
}

type Active = Listing | Streaming | Watching;

function backOff<T extends KubernetesObject>(
  state: Active,
  error: unknown,
  now: number,
  next: Active,
): ReflectorStep<T> {
  const calm = isCalm(state.failures, now);
  const current = calm ? state.failures.backOff.reset() : state.failures.backOff;
  const retryAfter = isApiError(error) ? (error.retryAfter ?? 0) : 0;
  const delay = Math.max(current.duration, retryAfter);
  const failures = { backOff: current.next(), retried: now + delay, gone: state.failures.gone && !calm };
  return {
    state: { phase: 'backingOff', failures, mode: next.mode, delay, next },
    emit: [failed(state, error, next, delay)],
  };
}

function isCalm({ retried }: Failures, now: number): boolean {
  return retried === undefined || now - retried >= CALM;
}

function failed<T extends KubernetesObject>(
  state: Active,
  error: unknown,
  next: Active,
  retryIn: number,
): ReflectorEvent<T> {
  return { type: 'failed', error: asError(error), during: doing(state), next: doing(next), retryIn };
}

function doing({ phase }: Active): Doing {
  return phase === 'watching' ? 'watch' : 'list';
}
