/** The entries of `metadata.managedFields`: who set which fields, in and out of their wire form. */
import { decodeFieldSet, encodeFieldSet, union } from './field-set.js';
import type { FieldSet } from './field-set.js';
import { compareBytes } from './go-format.js';
import { isJsonArray, isJsonObject, valueAt, withKey, withoutKey } from './json.js';
import type { Json, JsonObject } from './json.js';

/** Who owns fields, and through which operation; the same manager has an entry for each combination. */
export interface ManagerIdentity {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface ManagerEntry extends ManagerIdentity {
  /** RFC 3339; undefined if the entry never changed the object. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Entries by {@link identityKey}. */
export type Managers = ReadonlyMap<string, ManagerEntry>;

/** An apply keeps one entry per manager whatever version it applies; an update has one per version. */
export function identityKey({ manager, operation, apiVersion, subresource }: ManagerIdentity): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** The entries of an object; undefined if there are none or one of them cannot be read. */
export function readManagers(object: JsonObject | undefined): Managers | undefined {
  const encoded = valueAt(object, 'metadata', 'managedFields');
  if (!isJsonArray(encoded) || encoded.length === 0) return undefined;
  const entries = encoded.map(readEntry);
  const readable = entries.filter((entry) => entry !== undefined);
  if (readable.length < entries.length) return undefined;
  return new Map(readable.map((entry) => [identityKey(entry), entry]));
}

function readEntry(encoded: Json): ManagerEntry | undefined {
  if (!isJsonObject(encoded)) return undefined;
  const { operation, apiVersion, fieldsType, fieldsV1, time } = encoded;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
  try {
    const fields = decodeFieldSet(isJsonObject(fieldsV1) ? fieldsV1 : {});
    const text = (key: string) => (typeof encoded[key] === 'string' ? encoded[key] : '');
    const when = typeof time === 'string' ? time : undefined;
    return {
      manager: text('manager'),
      subresource: text('subresource'),
      operation,
      apiVersion,
      time: when,
      fields,
    };
  } catch {
    return undefined;
  }
}

/** Whether a client asks to forget all owners: an empty list, or a list of one empty entry. */
export function resetsManagers(object: JsonObject): boolean {
  const encoded = valueAt(object, 'metadata', 'managedFields');
  if (!isJsonArray(encoded)) return false;
  const [first] = encoded;
  return (
    encoded.length === 0 || (encoded.length === 1 && isJsonObject(first) && Object.keys(first).length === 0)
  );
}

export function withoutManagers(object: JsonObject): JsonObject {
  const metadata = object['metadata'];
  return isJsonObject(metadata) ? withKey(object, 'metadata', withoutKey(metadata, 'managedFields')) : object;
}

/** The object with these entries, in the server's order; without the key if there are none. */
export function withManagers(object: JsonObject, managers: Managers): JsonObject {
  if (managers.size === 0) return withoutManagers(object);
  const metadata = object['metadata'];
  const entries = [...managers.values()].sort(compareEntries).map(writeEntry);
  const rest = isJsonObject(metadata) ? withoutKey(metadata, 'managedFields') : {};
  return withKey(object, 'metadata', withKey(rest, 'managedFields', entries));
}

function writeEntry({ manager, operation, apiVersion, time, fields, subresource }: ManagerEntry): JsonObject {
  return {
    ...(manager === '' ? {} : { manager }),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFieldSet(fields),
    ...(subresource === '' ? {} : { subresource }),
  };
}

function compareEntries(a: ManagerEntry, b: ManagerEntry): number {
  return (
    compareBytes(a.operation, b.operation) ||
    seconds(a) - seconds(b) ||
    compareBytes(a.manager, b.manager) ||
    compareBytes(a.apiVersion, b.apiVersion) ||
    compareBytes(a.subresource, b.subresource)
  );
}

function seconds({ time }: ManagerEntry): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

const maxUpdaters = 10;

/** Past ten entries from updates, the oldest of a version are merged into one named `ancient-changes`. */
export function capUpdaters(managers: Managers): Managers {
  const updaters = [...managers].filter(([, entry]) => entry.operation === 'Update');
  if (updaters.length <= maxUpdaters) return managers;
  updaters.sort(([keyA, a], [keyB, b]) => seconds(a) - seconds(b) || compareBytes(keyA, keyB));
  return mergeOldest(managers, updaters);
}

function mergeOldest(managers: Managers, updaters: readonly (readonly [string, ManagerEntry])[]): Managers {
  const capped = new Map(managers);
  const firstOfVersion = new Map<string, string>();
  let excess = updaters.length - maxUpdaters;
  for (const [key, entry] of updaters) {
    if (excess === 0) break;
    const first = firstOfVersion.get(entry.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(entry.apiVersion, key);
      continue;
    }
    const bucket: ManagerIdentity = {
      manager: 'ancient-changes',
      operation: 'Update',
      apiVersion: entry.apiVersion,
      subresource: '',
    };
    const into = capped.get(identityKey(bucket)) ?? capped.get(first);
    capped.delete(first);
    capped.delete(key);
    const fields = into === undefined ? entry.fields : union(into.fields, entry.fields);
    capped.set(identityKey(bucket), { ...bucket, time: entry.time, fields });
    excess -= 1;
  }
  return capped;
}
