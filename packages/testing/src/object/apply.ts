/**
 * Server-side apply, and the ownership of fields that makes it possible.
 *
 * Every write goes through one of two functions: {@link serverSideApply} for an apply patch, {@link trackUpdate} for
 * all others. Both return the object with the `managedFields` that the write leaves behind.
 */
import { deepEqual } from './equal.js';
import { compare, fieldsOf } from './field-compare.js';
import { mergeApplied, removeFields, withNamedParents } from './field-merge.js';
import type { Comparison } from './field-compare.js';
import {
  difference,
  emptySet,
  formatPath,
  intersection,
  isEmpty,
  paths,
  recursiveDifference,
  setOf,
  union,
} from './field-set.js';
import type { FieldSet } from './field-set.js';
import { UnidentifiableItem } from './field-types.js';
import { misfit } from './field-validate.js';
import { compareBytes, goQuote } from './go-format.js';
import { hasKey, isJsonObject, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import {
  capUpdaters,
  identityKey,
  readManagers,
  resetsManagers,
  withManagers,
  withoutManagers,
} from './managed-fields.js';
import type { ManagerEntry, ManagerIdentity, Managers } from './managed-fields.js';
import type { Schema } from './schema.js';
import { newObject } from './zero-values.js';
import { applyConflict, badRequest, unknownError } from './status.js';

/** The one who writes, and how: what a managedFields entry says about itself. */
export interface Writer {
  /** The field manager's name; an empty one becomes `unknown`. */
  readonly manager: string;
  /** `''` for the object itself, else `status` or another subresource. */
  readonly subresource: string;
  /** RFC 3339 in whole seconds, as `metadata.managedFields[].time` has it. */
  readonly now: string;
  /** The version that the request's path names, as `apps/v1`. */
  readonly apiVersion: string;
  readonly schema: Schema;
  /** Fields that the server resets on this endpoint, so that nobody comes to own them through it: `[['status']]`. */
  readonly resetFields?: readonly (readonly string[])[];
}

export interface Update extends Writer {
  /** The stored object; undefined on create. */
  readonly before: JsonObject | undefined;
  /** The object as it will be stored; its managedFields, if any, are what the client sent. */
  readonly after: JsonObject;
}

export interface Apply extends Writer {
  /** The stored object; undefined if the apply creates it. */
  readonly live: JsonObject | undefined;
  /** The applied configuration. */
  readonly applied: JsonObject;
  /** Take fields from other managers instead of failing. */
  readonly force: boolean;
}

/**
 * The object with the managedFields that a create, update or patch leaves behind.
 *
 * An object that is stored without managedFields stays without them until somebody applies to it.
 */
export function trackUpdate(update: Update): JsonObject {
  const { before, after, subresource } = update;
  const managers = managersBefore(before, after, subresource !== '');
  const object = withoutManagers(after);
  if (before !== undefined && managers.size === 0) return object;
  const bare = withoutManagers(before ?? newObject(update.schema));
  try {
    return withManagers(object, updateManagers(bare, object, managers, update));
  } catch (error) {
    // An item that can't be told from others has no owner; the object is refused for it, or nobody owns any of it.
    if (error instanceof UnidentifiableItem) return object;
    throw error;
  }
}

/** A client may edit the list, or empty it; one that leaves it out, or writes nonsense, does not. */
function managersBefore(before: JsonObject | undefined, after: JsonObject, ignoreSent: boolean): Managers {
  const stored = readManagers(before) ?? new Map<string, ManagerEntry>();
  if (ignoreSent) return stored;
  return resetsManagers(after) ? new Map() : (readManagers(after) ?? stored);
}

function updateManagers(before: JsonObject, after: JsonObject, managers: Managers, writer: Writer): Managers {
  const reset = resetSet(writer);
  const changes = compare(before, after, writer.schema, reset);
  const others = releaseChanged(managers, changes, undefined);
  const identity = identityOf(writer, 'Update');
  const gained = strip(reset === undefined ? changed(changes) : recursiveDifference(changed(changes), reset));
  if (isEmpty(gained)) return others;
  const key = identityKey(identity);
  const fields = union(gained, others.get(key)?.fields ?? emptySet);
  return capUpdaters(new Map([...others, [key, { ...identity, time: writer.now, fields }]]));
}

/**
 * Merges an applied configuration into the stored object.
 *
 * Fields that this manager applied before and leaves out now are removed, unless somebody else owns them. The entry's
 * time moves only if the object changes.
 *
 * @throws StatusError 409 with one cause for each field that another manager owns with another value; 400 or 500 for
 * a configuration that does not fit the schema, as the server answers them
 */
export function serverSideApply(apply: Apply): { readonly object: JsonObject } {
  const { live, applied, schema } = apply;
  assertApplicable(apply);
  const before = withoutManagers(live ?? {});
  const managers = ownersToMeet(live, before, apply);
  const identity = identityOf(apply, 'Apply');
  const key = identityKey(identity);
  const last = managers.get(key);
  const entry: ManagerEntry = { ...identity, time: last?.time, fields: appliedFields(apply) };
  const owners = new Map(managers).set(key, entry);

  const merged = mergeApplied(before, applied, schema);
  const object = last === undefined ? merged : prune(merged, last.fields, owners, schema);
  const changes = compare(before, object, schema, resetSet(apply));
  if (!apply.force) assertNoConflict(owners, changes, key);
  return {
    object: withManagers(object, ownersAfter(owners, changes, entry, deepEqual(before, object), apply.now)),
  };
}

function ownersAfter(
  owners: Managers,
  changes: Comparison,
  entry: ManagerEntry,
  unchanged: boolean,
  now: string,
): Managers {
  const key = identityKey(entry);
  const after = new Map(releaseChanged(owners, changes, key));
  const fields = strip(entry.fields);
  if (isEmpty(fields)) after.delete(key);
  else after.set(key, { ...entry, fields, time: unchanged ? entry.time : now });
  return after;
}

function appliedFields(apply: Apply): FieldSet {
  const reset = resetSet(apply);
  const fields = fieldsOf(apply.applied, apply.schema);
  return reset === undefined ? fields : recursiveDifference(fields, reset);
}

/** An object that nobody owns belongs, when the first apply meets it, to a manager invented for it. */
function ownersToMeet(live: JsonObject | undefined, before: JsonObject, apply: Apply): Managers {
  const stored = readManagers(live);
  if (stored !== undefined || live === undefined) return stored ?? new Map<string, ManagerEntry>();
  return updateManagers(newObject(apply.schema), before, new Map(), {
    ...apply,
    manager: 'before-first-apply',
  });
}

function assertApplicable({ applied, schema }: Apply): void {
  if (hasManagedFields(applied)) throw badRequest('metadata.managedFields must be nil');
  const problem = misfit(applied, schema);
  if (problem === undefined) return;
  throw unknownError(`failed to create typed patch object (${describe(applied)}): ${problem}`);
}

function hasManagedFields(applied: JsonObject): boolean {
  const metadata = applied['metadata'];
  return isJsonObject(metadata) && hasKey(metadata, 'managedFields') && metadata['managedFields'] !== null;
}

/** `namespace/name; group/version, Kind=Kind`, as the server's logs name an object. */
function describe(object: JsonObject): string {
  const text = (...path: readonly string[]): string => {
    const value = valueAt(object, ...path);
    return typeof value === 'string' ? value : '';
  };
  const apiVersion = text('apiVersion');
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${text('metadata', 'namespace')}/${text('metadata', 'name')}; ${groupVersion}, Kind=${text('kind')}`;
}

/** Takes out what this manager applied last and nobody claims now. */
function prune(merged: JsonObject, last: FieldSet, owners: Managers, schema: Schema): JsonObject {
  const named = (set: FieldSet): FieldSet => withNamedParents(set, schema);
  const all = named(fieldsOf(merged, schema));
  const owned = [...owners.values()].reduce((set, entry) => union(set, entry.fields), emptySet);
  const withoutLast = removeFields(merged, named(last), schema);
  const kept = union(named(fieldsOf(withoutLast, schema)), named(owned));
  const withOwned = removeFields(merged, difference(all, kept), schema);
  const gone = difference(all, named(fieldsOf(withOwned, schema)));
  return removeFields(merged, intersection(gone, named(last)), schema);
}

function assertNoConflict(owners: Managers, changes: Comparison, own: string): void {
  const written = changed(changes);
  const conflicts = [...owners]
    .filter(([key]) => key !== own)
    .sort(([a], [b]) => compareBytes(a, b))
    .flatMap(([, owner]) =>
      [...paths(intersection(owner.fields, written))].map((path) => ({ owner, field: formatPath(path) })),
    );
  if (conflicts.length === 0) return;
  const causes = conflicts.map(({ owner, field }) => ({
    reason: 'FieldManagerConflict' as const,
    message: `conflict with ${formatOwner(owner)}`,
    field,
  }));
  throw applyConflict(causes, conflictMessage(conflicts));
}

interface FieldConflict {
  readonly owner: ManagerEntry;
  readonly field: string;
}

function conflictMessage(conflicts: readonly FieldConflict[]): string {
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${formatOwner(only.owner)}: ${only.field}`;
  }
  const lines = [...new Set(conflicts.map(({ owner }) => owner))].sort(compareOwners).flatMap((owner) => {
    const fields = conflicts.filter((conflict) => conflict.owner === owner).map(({ field }) => `- ${field}`);
    return [`conflicts with ${formatOwner(owner)}:`, ...fields];
  });
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function compareOwners(a: ManagerEntry, b: ManagerEntry): number {
  return compareBytes(identityKey(a), identityKey(b));
}

function formatOwner({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const name = `${goQuote(manager)}${subresource === '' ? '' : ` with subresource ${goQuote(subresource)}`}`;
  return operation === 'Apply' ? name : `${name} using ${apiVersion}`;
}

/** Whoever owned a field loses it when another writes it with another value, or when it is gone. */
function releaseChanged(managers: Managers, changes: Comparison, except: string | undefined): Managers {
  const gone = union(changes.removed, changed(changes));
  const kept = [...managers].flatMap(([key, entry]): [string, ManagerEntry][] => {
    const fields = key === except ? entry.fields : difference(entry.fields, gone);
    return isEmpty(fields) ? [] : [[key, { ...entry, fields }]];
  });
  return new Map(kept);
}

function changed({ modified, added }: Comparison): FieldSet {
  return union(modified, added);
}

function identityOf(
  { manager, apiVersion, subresource }: Writer,
  operation: 'Apply' | 'Update',
): ManagerIdentity {
  return { manager: manager === '' ? 'unknown' : manager, operation, apiVersion, subresource };
}

function resetSet({ resetFields = [] }: Writer): FieldSet | undefined {
  return resetFields.length === 0 ? undefined : setOf(...resetFields);
}

const unowned = setOf(
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['metadata', 'creationTimestamp'],
  ['metadata', 'selfLink'],
  ['metadata', 'uid'],
  ['metadata', 'clusterName'],
  ['metadata', 'generation'],
  ['metadata', 'managedFields'],
  ['metadata', 'resourceVersion'],
);

/** What the server itself fills in is owned by nobody. */
function strip(fields: FieldSet): FieldSet {
  return difference(fields, unowned);
}
