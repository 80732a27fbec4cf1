/** Causes: why a reconcile was called. */
import type { DeepReadonly, KubernetesObject, ObjectMeta } from '../api/object.js';
import { apiVersionOf, type Resource } from '../api/resource.js';
import type { Change } from '../cache/change.js';
import { changedPaths, MOST_PATHS } from './changed-paths.js';
import { deletionOf, versionOf } from './own-versions.js';

/**
 * - `changed`: the object itself; `owned`: one that it controls; `watched`: one that a mapper took to it
 * - `ownWrite`: one of these, as this controller wrote it
 * - `initial`: one of these, when the cache first saw it
 * - `source`: an external source
 * - `retry`: the last reconcile failed, or lost a race; `requeue`: it asked to be called again
 * - `resync`: `resyncPeriod` is over; `term`: this replica began to lead
 */
export type CauseType =
  | 'initial'
  | 'changed'
  | 'owned'
  | 'watched'
  | 'source'
  | 'retry'
  | 'requeue'
  | 'resync'
  | 'ownWrite'
  | 'term';

/** Which object changed. */
export interface CauseObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/**
 * Why a reconcile was called. For logs, metrics and for finding out: what there is to do follows from the object alone, since changes
 * that nobody saw have no cause.
 */
export interface Cause {
  readonly type: CauseType;
  /** What changed. Absent when nothing did. */
  readonly object?: CauseObject | undefined;
  readonly change?: Change<KubernetesObject>['type'] | undefined;
  /** Of updates: where, as JSON pointers; at most eight, without versions and managedFields. */
  readonly paths: readonly string[];
  /** How many such changes were put together. */
  readonly count: number;
  /** The name of the source. */
  readonly source?: string | undefined;
}

/** A cause as the queue holds it. Whether a change was our own write is known only later: its event may overtake the answer. */
export interface Wake {
  readonly type: Exclude<CauseType, 'ownWrite'>;
  readonly object?: CauseObject;
  readonly change?: Change<KubernetesObject>['type'];
  readonly paths?: readonly string[];
  /** Which state the object came into. */
  readonly version?: string;
  readonly source?: string;
}

/** Per key, in the queue and for a reconcile. */
const MOST_CAUSES = 16;

const NO_PATHS: readonly string[] = [];

/** Those without particulars, made once: a term begins with one for each object. */
export const WAKES = {
  term: [{ type: 'term' }],
  resync: [{ type: 'resync' }],
  retry: [{ type: 'retry' }],
  requeue: [{ type: 'requeue' }],
} as const satisfies Record<string, readonly Wake[]>;

export function wakeOf<T extends KubernetesObject>(
  type: Wake['type'],
  resource: Resource<T>,
  change: Change<T>,
): Wake {
  const after = (change.type === 'updated' ? change.after : change.object) as DeepReadonly<KubernetesObject>;
  return {
    type,
    object: referenceTo(resource, after.metadata),
    change: change.type,
    paths:
      change.type === 'updated' ? changedPaths(change.before as object, change.after as object) : NO_PATHS,
    version: change.type === 'deleted' ? deletionOf(after.metadata.uid) : versionOf(after.metadata),
  };
}

/** Beyond the limit only what changes the same object again is kept, by its paths. */
export function coalesceWakes(known: readonly Wake[], more: readonly Wake[]): readonly Wake[] {
  if (known.length === 0) return more;
  const wakes = [...known];
  for (const wake of more) {
    const isKnown = wakes.some((each) => each === wake);
    if (!isKnown && wakes.length < MOST_CAUSES) wakes.push(wake);
    else if (!isKnown) mergeInto(wakes, wake);
  }
  return wakes;
}

function mergeInto(wakes: Wake[], wake: Wake): void {
  const at = wakes.findLastIndex((each) => each.object && sameObject(each.object, wake.object));
  const known = wakes[at];
  if (known) wakes[at] = { ...wake, paths: union(known.paths, wake.paths) };
}

/** What the reconcile is told: by object and kind of cause, in the order in which they came. */
export function causesFrom(wakes: readonly Wake[], isOwn: (version: string) => boolean): readonly Cause[] {
  const causes: Cause[] = [];
  for (const wake of wakes) {
    const { object, change, paths = NO_PATHS, source } = wake;
    const type = wake.version !== undefined && isOwn(wake.version) ? 'ownWrite' : wake.type;
    const at = causes.findIndex((each) => each.type === type && isSame(each, wake));
    const known = causes[at];
    if (known)
      causes[at] = Object.freeze({
        ...known,
        change,
        paths: union(known.paths, paths),
        count: known.count + 1,
      });
    else causes.push(Object.freeze({ type, object, change, paths, count: 1, source }));
  }
  return Object.freeze(causes);
}

function isSame(cause: Cause, wake: Wake): boolean {
  return cause.source === wake.source && sameObject(cause.object, wake.object);
}

function sameObject(a: CauseObject | undefined, b: CauseObject | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.name === b.name && a.namespace === b.namespace && a.kind === b.kind && a.apiVersion === b.apiVersion
  );
}

function union(known: readonly string[] = NO_PATHS, more: readonly string[] = NO_PATHS): readonly string[] {
  return [...new Set([...known, ...more])].slice(0, MOST_PATHS);
}

function referenceTo(resource: Resource, { namespace, name }: DeepReadonly<ObjectMeta>): CauseObject {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, namespace, name };
}
