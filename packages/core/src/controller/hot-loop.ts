/**
 * Hot loops: a controller whose every reconcile writes what wakes it again, alone or against somebody who writes the same place.
 *
 * Pure: what has happened so far and the causes of the next reconcile give whether it goes on, and what has happened then.
 */
import type { Cause, CauseObject } from './cause.js';

/** A place in an object that the controller has written lately. */
interface Place {
  readonly object: CauseObject;
  readonly path: string;
  /** Reconciles that it called for in a row. */
  readonly times: number;
  /** Monotonic milliseconds at which that began. */
  readonly since: number;
  /** Whether somebody else wrote it in between. */
  readonly contested: boolean;
  /** The round in which the controller wrote it last. */
  readonly written: number;
}

/** What one key's reconciles have been called for, as long as it may be a loop. */
export interface LoopHistory {
  readonly places: ReadonlyMap<string, Place>;
  readonly round: number;
  /** Monotonic milliseconds of the last reconcile. */
  readonly last: number;
  /** Set while the key is made to wait. Monotonic milliseconds. */
  readonly heldUntil?: number | undefined;
}

export interface HotLoop extends Pick<Place, 'object' | 'path' | 'times' | 'contested'> {
  /** Milliseconds since it began. */
  readonly lasting: number;
  /** Milliseconds that the key is made to wait. */
  readonly delay: number;
  /** Whether people are to be told now: at first, and again ever more seldom. */
  readonly tell: boolean;
}

export interface LoopDecision {
  /** Undefined: nothing need be remembered. */
  readonly history: LoopHistory | undefined;
  /** Milliseconds to wait before the reconcile. 0: none. */
  readonly delay: number;
  /** Set when a wait begins. */
  readonly loop?: HotLoop;
}

/**
 * So many times in a row may a controller be called for its own writes to one place. Who works in steps needs a few, who is in a loop
 * gets there in less than a second.
 */
export const TOLERATED = 20;
/** Milliseconds: the first wait, doubled with each further round, and the longest. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
/** Milliseconds without a reconcile after which a loop is over. */
const CALM = 10_000;
/** A place that the controller has not written for so many rounds is none of the loop. */
const ROUNDS_REMEMBERED = 4;

export function decide(
  history: LoopHistory | undefined,
  causes: readonly Cause[],
  now: number,
): LoopDecision {
  const writes = causes.some(({ type }) => type === 'ownWrite');
  const known = history && now - history.last <= CALM + (heldFor(history) ?? 0) ? history : undefined;
  if (!known && !writes) return go(undefined);
  if (!known || isNews(causes, known)) return go(writes ? counted(fresh(now), causes, now) : undefined);
  if (known.heldUntil !== undefined) return stillHeld(known, now);
  const next = counted(known, causes, now);
  const worst = next.round > known.round ? worstOf(next) : undefined;
  return worst && worst.times > TOLERATED ? hold(next, worst, now) : go(next);
}

function worstOf({ places }: LoopHistory): Place | undefined {
  return [...places.values()].toSorted((a, b) => b.times - a.times)[0];
}

function go(history: LoopHistory | undefined): LoopDecision {
  return { history, delay: 0 };
}

function fresh(now: number): LoopHistory {
  return { places: new Map(), round: 0, last: now };
}

function heldFor({ heldUntil, last }: LoopHistory): number | undefined {
  return heldUntil === undefined ? undefined : heldUntil - last;
}

function stillHeld(history: LoopHistory, now: number): LoopDecision {
  const { heldUntil = now } = history;
  if (now < heldUntil) return { history, delay: heldUntil - now };
  return go({ ...history, heldUntil: undefined, last: now });
}

function hold(history: LoopHistory, place: Place, now: number): LoopDecision {
  const excess = place.times - TOLERATED;
  const delay = Math.min(FIRST_DELAY * 2 ** (excess - 1), LONGEST_DELAY);
  const { object, path, times, contested, since } = place;
  const tell = excess === 1 || (excess >= 16 && Number.isInteger(Math.log2(excess)));
  return {
    history: { ...history, heldUntil: now + delay },
    delay,
    loop: { object, path, times, contested, lasting: now - since, delay, tell },
  };
}

/** Whether something happened that the controller did not bring about itself: then what it writes is its work, and the count begins anew. */
function isNews(causes: readonly Cause[], history: LoopHistory): boolean {
  const isOfLoop = causes.some((cause) => cause.type === 'ownWrite' || isContested(cause, history));
  return causes.some((cause) => {
    switch (cause.type) {
      case 'ownWrite':
      case 'retry':
        return false;
      case 'changed':
        return !isContested(cause, history) && !isStatusOnly(cause);
      case 'watched':
        return !isContested(cause, history);
      case 'owned':
        // What others do to an object that we have just written, such as setting its status, is an answer to that.
        return !isContested(cause, history) && !hasWritten(history, cause);
      case 'initial':
      case 'source':
      case 'requeue':
      case 'resync':
      case 'term':
        return !isOfLoop;
    }
  });
}

/** Whether somebody else wrote what the controller has written. */
function isContested(cause: Cause, { places }: LoopHistory): boolean {
  return cause.type !== 'ownWrite' && placesOf(cause).some(([id]) => places.has(id));
}

function isStatusOnly({ paths }: Cause): boolean {
  return paths.length > 0 && paths.every((path) => path === '/status' || path.startsWith('/status/'));
}

function hasWritten({ places }: LoopHistory, { object }: Cause): boolean {
  const id = object && idOf(object);
  return [...places.values()].some((place) => idOf(place.object) === id);
}

/** The history with this round's causes counted; as it was if none of them is of the loop. */
function counted(history: LoopHistory, causes: readonly Cause[], now: number): LoopHistory {
  const round = history.round + 1;
  const places = new Map(history.places);
  let isOfLoop = false;
  for (const cause of causes) {
    const own = cause.type === 'ownWrite';
    for (const [id, object, path] of placesOf(cause)) {
      const known = history.places.get(id);
      if (!own && !known) continue;
      isOfLoop = true;
      places.set(id, {
        object,
        path,
        times: (known?.times ?? 0) + 1,
        since: known?.since ?? now,
        contested: !own || (places.get(id)?.contested ?? false),
        written: own ? round : (places.get(id)?.written ?? round),
      });
    }
  }
  if (!isOfLoop) return { ...history, last: now };
  for (const [id, { written }] of places) if (round - written >= ROUNDS_REMEMBERED) places.delete(id);
  return { places, round, last: now };
}

/** What appears or disappears counts as a place of its own. */
function placesOf({ object, paths }: Cause): [id: string, object: CauseObject, path: string][] {
  if (!object) return [];
  const places = paths.length > 0 ? paths : [''];
  return places.map((path) => [`${idOf(object)}#${path}`, object, path]);
}

function idOf({ apiVersion, kind, namespace = '', name }: CauseObject): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
}
