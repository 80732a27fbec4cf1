/** Merging an applied configuration into an object, and taking fields out of an object. */
import type { FieldSet } from './field-set.js';
import { emptySet, isEmpty } from './field-set.js';
import {
  fieldSchema,
  fieldType,
  isNamedField,
  itemStep,
  itemsByStep,
  schemaBelow,
  zipFields,
} from './field-types.js';
import type { ListType, MapType } from './field-types.js';
import { isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import type { Schema } from './schema.js';

/** `applied` wins leaf by leaf; maps and keyed lists keep what only `live` has. */
export function mergeApplied(live: JsonObject, applied: JsonObject, schema: Schema): JsonObject {
  const merged = merge(schema, live, applied);
  return isJsonObject(merged) ? merged : {};
}

function merge(schema: Schema, live: Json | undefined, applied: Json | undefined): Json | undefined {
  if (live === undefined) return applied;
  if (applied === undefined) return live;
  const type = fieldType(schema, applied);
  if (type.kind === 'map' && isJsonObject(live) && isJsonObject(applied)) {
    return Object.keys(live).length + Object.keys(applied).length === 0
      ? applied
      : mergeMaps(type, live, applied);
  }
  if (type.kind === 'list' && isJsonArray(live) && isJsonArray(applied)) {
    return live.length + applied.length === 0 ? applied : mergeLists(type, live, applied);
  }
  if (applied === null && keepsUnderNull(schema, live)) return live;
  return applied;
}

/** Null for a non-empty map or keyed list sets nothing: it is no value of its own there. */
function keepsUnderNull(schema: Schema, live: Json): boolean {
  if (fieldType(schema, live).kind === 'leaf') return false;
  return isJsonArray(live) ? live.length > 0 : isJsonObject(live) && Object.keys(live).length > 0;
}

function mergeMaps(type: MapType, live: JsonObject, applied: JsonObject): JsonObject {
  const merged: MutableJsonObject = {};
  for (const [key, , old, item] of zipFields(live, applied)) {
    const value = merge(fieldSchema(type, key), old, item);
    if (value !== undefined) setKey(merged, key, value);
  }
  return merged;
}

/** Items of `live` alone keep their places; items that both have come in the order of `applied`. */
function mergeLists(type: ListType, live: readonly Json[], applied: readonly Json[]): readonly Json[] {
  const left = live.map((item) => itemStep(type, item));
  const right = applied.map((item) => itemStep(type, item));
  const known = itemsByStep(type, live);
  const wanted = new Set(right);
  const shared = right.filter((step) => known.has(step));
  const taken = new Set<string>();
  const merged: Json[] = [];

  const take = (j: number): void => {
    const step = right[j] ?? '';
    const same = known.get(step);
    const value = merge(type.items, same?.length === 1 ? same[0] : undefined, applied[j]);
    if (value !== undefined) merged.push(value);
    taken.add(step);
  };

  for (let i = 0, j = 0, next = 0; i < left.length || j < right.length;) {
    const step = left[i];
    if (step !== undefined && step === right[j]) {
      take(j++);
      i++;
      next++;
    } else if (step !== undefined && !wanted.has(step)) {
      merged.push(live[i++] ?? null);
    } else if (
      step !== undefined &&
      (taken.has(step) || (shared[next] !== undefined && shared[next] !== step))
    ) {
      i++;
    } else if (j < right.length) {
      if (right[j] === shared[next]) next++;
      take(j++);
    } else {
      i++;
    }
  }
  return merged;
}

/** Takes the fields in `set` out; a container that loses everything becomes null, as the server leaves it. */
export function removeFields(object: JsonObject, set: FieldSet, schema: Schema): JsonObject {
  const rest = remove(object, set, schema);
  return isJsonObject(rest) ? rest : {};
}

function remove(value: Json, set: FieldSet, schema: Schema): Json {
  const type = fieldType(schema, value);
  if (type.kind === 'map' && isJsonObject(value)) return removeFromMap(value, set, type);
  if (type.kind === 'list' && isJsonArray(value)) return removeFromList(value, set, type);
  return type.kind === 'leaf' && (isJsonArray(value) || isJsonObject(value)) ? null : value;
}

function removeFromMap(value: JsonObject, set: FieldSet, type: MapType): Json {
  const rest: MutableJsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const step = `f:${key}`;
    if (set.members.has(step)) continue;
    const below = set.children.get(step) ?? emptySet;
    setKey(rest, key, isEmpty(below) ? item : remove(item, below, fieldSchema(type, key)));
  }
  return Object.keys(rest).length === 0 ? null : rest;
}

function removeFromList(value: readonly Json[], set: FieldSet, type: ListType): Json {
  const rest: Json[] = [];
  for (const item of value) {
    const step = itemStep(type, item);
    if (set.members.has(step)) continue;
    const below = set.children.get(step) ?? emptySet;
    rest.push(isEmpty(below) ? item : remove(item, below, type.items));
  }
  return rest.length === 0 ? null : rest;
}

/** Adds the declared fields on the way to a member: whoever owns `spec.a` owns `spec`, for the sake of removing. */
export function withNamedParents(set: FieldSet, schema: Schema): FieldSet {
  const members = new Set(set.members);
  const children = new Map<string, FieldSet>();
  for (const [step, child] of set.children) {
    if (isNamedField(schema, step)) members.add(step);
    children.set(step, withNamedParents(child, schemaBelow(schema, step)));
  }
  return { members, children };
}
