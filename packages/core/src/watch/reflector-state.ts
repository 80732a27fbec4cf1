import { isApiError, isGone, type RequestError } from '../api/errors.js';
import type { KubernetesObject, ObjectMeta } from '../api/object.js';
import type { List, WatchEvent } from '../client/reader.js';
import type { BackOff } from '../kit/back-off.js';
import { asError, IncumbentError, isIncumbentError } from '../kit/error.js';

/** What a {@link Reflector} tells its listener. Errors are items like the others: none ends it. */
export type ReflectorEvent<T> =
  /** The whole state, after each list: what is not in it is gone. */
  | { readonly type: 'replaced'; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'applied' | 'deleted'; readonly object: T }
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

interface Common {
  readonly failures: Failures;
}

export interface Listing<T> extends Common {
  readonly phase: 'listing';
  /** Whether to ask for pages. Not when the token of an earlier list has expired between two of them. */
  readonly paged: boolean;
  readonly pages: readonly (readonly T[])[];
  /** The version of the first page: where the watch begins. */
  readonly version: string | undefined;
  /** Token of the next page. */
  readonly token: string | undefined;
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

export interface BackingOff<T> extends Common {
  readonly phase: 'backingOff';
  /** Milliseconds. */
  readonly delay: number;
  readonly next: Listing<T> | Watching;
}

export type ReflectorState<T> = Listing<T> | Watching | BackingOff<T>;

export type ReflectorInput<T> =
  /** The answer to a list: all of it, or a page. */
  | { readonly type: 'listed'; readonly list: List<T> }
  | { readonly type: 'event'; readonly event: WatchEvent<T> }
  /** The server ended the watch in good order. */
  | { readonly type: 'ended' }
  /** The list or the watch failed. */
  | { readonly type: 'failed'; readonly error: unknown }
  /** The back-off is over. */
  | { readonly type: 'waited' };

export interface ReflectorStep<T> {
  readonly state: ReflectorState<T>;
  readonly emit?: ReflectorEvent<T> | undefined;
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

export function initialState<T>(backOff: BackOff): Listing<T> {
  return listing({ backOff, retried: undefined, gone: false });
}

/** The reflector's next state, and what it tells its listener. Pure: `now` is monotonic milliseconds. */
export function step<T extends KubernetesObject>(
  state: ReflectorState<T>,
  input: ReflectorInput<T>,
  now: number,
): ReflectorStep<T> {
  switch (state.phase) {
    case 'listing':
      if (input.type === 'listed') return listed(state, input.list, now);
      return input.type === 'failed' ? listFailed(state, input.error, now) : { state };
    case 'watching':
      if (input.type === 'event') return happened(state, input.event, now);
      if (input.type === 'ended') return ended(state, now);
      return input.type === 'failed' ? watchFailed(state, input.error, now) : { state };
    case 'backingOff':
      return input.type === 'waited' ? { state: resumed(state, now) } : { state };
  }
}

function listing<T>(failures: Failures, paged = true): Listing<T> {
  return { phase: 'listing', failures, paged, pages: [], version: undefined, token: undefined };
}

function watching(failures: Failures, version: string, opened: number, fruitless = 0): Watching {
  return { phase: 'watching', failures, version, opened, heard: false, fruitless };
}

function listed<T extends KubernetesObject>(state: Listing<T>, list: List<T>, now: number): ReflectorStep<T> {
  const odd = list.items.findIndex((item) => !isObject(item));
  if (odd >= 0) return backOff(state, invalid('LIST_INVALID', list.items[odd]), now, listing(state.failures));
  const pages = [...state.pages, list.items];
  const version = state.version ?? list.resourceVersion;
  if (list.continue) return { state: { ...state, pages, version, token: list.continue } };
  return {
    state: watching(state.failures, version, now),
    emit: { type: 'replaced', items: pages.flat(), resourceVersion: version },
  };
}

/** The wire promises nothing. */
function isObject(object: KubernetesObject | null): boolean {
  const metadata: Partial<ObjectMeta> | undefined = object?.metadata;
  return Boolean(metadata?.name && metadata.resourceVersion);
}

function listFailed<T>(state: Listing<T>, error: unknown, now: number): ReflectorStep<T> {
  // The snapshot behind the token has expired: everything again, in one piece so that this can't repeat.
  if (isGone(error) && state.token) return goneBy(state, error, now, listing(state.failures, false));
  return backOff(state, error, now, state);
}

function happened<T extends KubernetesObject>(
  state: Watching,
  event: WatchEvent<T>,
  now: number,
): ReflectorStep<T> {
  const version = versionOf(event);
  if (!version) return watchFailed(state, invalid('WATCH_EVENT_INVALID', event), now);
  return { state: { ...state, version, heard: true, fruitless: 0 }, emit: emitted(event) };
}

/** The version that the event brings; `undefined` if it is none after all. */
function versionOf(event: WatchEvent<KubernetesObject>): string | undefined {
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

function emitted<T>(event: WatchEvent<T>): ReflectorEvent<T> {
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

function ended<T>(state: Watching, now: number): ReflectorStep<T> {
  const lived = now - state.opened;
  if (lived < SHORT) {
    const error = new IncumbentError(
      'WATCH_TOO_SHORT',
      `The server ended the watch after ${Math.round(lived)} ms.`,
    );
    return backOff(state, error, now, reopened(state, true, now));
  }
  return { state: reopened(state, lived >= SILENT, now) };
}

function watchFailed<T>(state: Watching, error: unknown, now: number): ReflectorStep<T> {
  if (isGone(error)) return goneBy(state, error, now, listing(state.failures));
  if (isRefused(error)) return backOff(state, error, now, listing(state.failures));
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
function reopened<T>(state: Watching, shouldHaveBrought: boolean, now: number): Listing<T> | Watching {
  const fruitless = state.heard ? 0 : state.fruitless + (shouldHaveBrought ? 1 : 0);
  if (fruitless >= FRUITLESS) return listing(state.failures);
  return watching(state.failures, state.version, now, fruitless);
}

function resumed<T>({ next, failures }: BackingOff<T>, now: number): Listing<T> | Watching {
  return next.phase === 'watching' ? { ...next, failures, opened: now } : { ...next, failures };
}

/** Lists at once, so that the listener is blind for as short as can be; but not again and again. */
function goneBy<T>(
  state: Listing<T> | Watching,
  error: unknown,
  now: number,
  next: Listing<T>,
): ReflectorStep<T> {
  const repeated = state.failures.gone && !isCalm(state.failures, now);
  const failures = { ...state.failures, gone: true };
  if (repeated) return backOff({ ...state, failures }, error, now, next);
  return {
    state: { ...next, failures: { ...failures, retried: now } },
    emit: failed(state, error, next, 0),
  };
}

function backOff<T>(
  state: Listing<T> | Watching,
  error: unknown,
  now: number,
  next: Listing<T> | Watching,
): ReflectorStep<T> {
  const calm = isCalm(state.failures, now);
  const current = calm ? state.failures.backOff.reset() : state.failures.backOff;
  const retryAfter = isApiError(error) ? (error.retryAfter ?? 0) : 0;
  const delay = Math.max(current.duration, retryAfter);
  const failures = { backOff: current.next(), retried: now + delay, gone: state.failures.gone && !calm };
  return {
    state: { phase: 'backingOff', failures, delay, next },
    emit: failed(state, error, next, delay),
  };
}

function isCalm({ retried }: Failures, now: number): boolean {
  return retried === undefined || now - retried >= CALM;
}

function failed<T>(
  state: Listing<T> | Watching,
  error: unknown,
  next: Listing<T> | Watching,
  retryIn: number,
): ReflectorEvent<T> {
  return { type: 'failed', error: asError(error), during: doing(state), next: doing(next), retryIn };
}

function doing(state: { readonly phase: 'listing' | 'watching' }): Doing {
  return state.phase === 'listing' ? 'list' : 'watch';
}
