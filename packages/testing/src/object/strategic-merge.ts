/** Strategic merge patch: a merge patch that knows from the schema which lists are merged by key. */
import { interleave } from './element-order.js';
import { deepEqual } from './equal.js';
import { goType, goValue } from './go-format.js';
import { hasKey, isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { goTypeName } from './merge-patch.js';
import { propertySchema, resolve } from './schema.js';
import type { Schema } from './schema.js';
import { badRequest, unknownError } from './status.js';

const directive = '$patch';
const retainKeys = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

/**
 * Merges `patch` into `document` as `kubectl apply` and `kubectl edit` send it for built-in kinds.
 *
 * Knows `$patch: delete | replace`, `$retainKeys`, `$setElementOrder/LIST` and `$deleteFromPrimitiveList/LIST`.
 *
 * @throws StatusError 400 or 500, as the server answers a patch that contradicts itself
 */
export function applyStrategicMergePatch(document: JsonObject, patch: Json, schema: Schema): JsonObject {
  if (patch === null) return document;
  if (isJsonObject(patch)) return mergeMap(document, patch, schema);
  throw badRequest(
    `json: cannot unmarshal ${goTypeName(patch)} into Go value of type map[string]interface {}`,
  );
}

function mergeMap(document: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  if (hasKey(patch, directive)) return replaceOrDelete(patch);
  const node = resolve(schema);
  const result: MutableJsonObject = { ...retained(document, patch) };
  const ordered = mergeOrderedLists(result, patch, node);
  for (const [key, value] of Object.entries(patch)) {
    if (key === retainKeys || key.startsWith(orderPrefix) || ordered.has(key)) continue;
    if (key.startsWith(deletePrefix)) deleteFromList(result, key.slice(deletePrefix.length), value);
    else mergeField(result, key, value, propertySchema(node, key) ?? {});
  }
  return result;
}

function replaceOrDelete(patch: JsonObject): JsonObject {
  const { [directive]: type, ...rest } = patch;
  if (type === 'replace') return rest;
  if (type === 'delete') return {};
  throw unknownDirective(type, patch);
}

function unknownDirective(type: Json | undefined, patch: JsonObject): Error {
  const text = typeof type === 'string' ? type : `%!s(${goType(type ?? null)}=${goValue(type)})`;
  return unknownError(`unknown patch type: ${text} in map: ${goValue(patch)}`);
}

/** Only the keys that `$retainKeys` lists stay; the patch may set no others. */
function retained(document: JsonObject, patch: JsonObject): JsonObject {
  if (!hasKey(patch, retainKeys)) return document;
  const keys = patch[retainKeys];
  if (!isJsonArray(keys)) throw badRetainKeys();
  const kept = new Set(keys);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix))
      continue;
    if (!kept.has(key)) throw badRetainKeys();
  }
  return Object.fromEntries(Object.entries(document).filter(([key]) => kept.has(key)));
}

function badRetainKeys(): Error {
  return badRequest('invalid patch format of retainKeys');
}

function mergeField(result: MutableJsonObject, key: string, value: Json, schema: Schema): void {
  const current = hasKey(result, key) ? result[key] : undefined;
  if (value === null) {
    delete result[key];
  } else if (isJsonObject(value) && isJsonObject(current)) {
    setKey(result, key, mergeMap(current, value, schema));
  } else if (isJsonArray(value) && isJsonArray(current)) {
    setKey(result, key, mergeList(current, value, schema));
  } else {
    const fresh = withoutDirectives(value);
    if (fresh === undefined) delete result[key];
    else setKey(result, key, fresh);
  }
}

/** A value that is new: without directives, and without nulls in its maps. */
function withoutDirectives(value: Json): Json | undefined {
  if (isJsonArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isJsonObject(value)) return value;
  if (hasKey(value, directive)) return undefined;
  const result: MutableJsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const fresh = item === null ? undefined : withoutDirectives(item);
    if (fresh !== undefined) setKey(result, key, fresh);
  }
  return result;
}

function deleteFromList(result: MutableJsonObject, key: string, items: Json): void {
  const current = hasKey(result, key) ? result[key] : undefined;
  if (!isJsonArray(current) || !isJsonArray(items)) return;
  setKey(
    result,
    key,
    current.filter((item) => !items.some((deleted) => deepEqual(item, deleted))),
  );
}

function isMerged(node: Schema): boolean {
  return node['x-kubernetes-patch-strategy']?.split(',').includes('merge') === true;
}

function mergeList(current: readonly Json[], patch: readonly Json[], schema: Schema): readonly Json[] {
  const node = resolve(schema);
  if (!isMerged(node)) return patch;
  const merged = mergeItems(current, patch, node);
  return interleave({ merged, first: merged.order, live: current, identify: identifier(node) });
}

interface MergedItems {
  readonly items: readonly Json[];
  /** The items of the patch that are no directives. */
  readonly order: readonly Json[];
}

function mergeItems(current: readonly Json[], patch: readonly Json[], node: Schema): MergedItems {
  const key = node['x-kubernetes-patch-merge-key'];
  if ([...current, ...patch].some(isJsonArray)) throw unknownError('lists of lists are not supported');
  if (key === undefined) return { items: distinct([...current, ...patch]), order: patch };
  const { kept, order, replace } = applyItemDirectives(current, patch, key);
  return replace ? { items: order, order: [] } : { items: mergeKeyed(kept, order, key, node), order };
}

function distinct(items: readonly Json[]): readonly Json[] {
  return items.filter((item, index) => items.findIndex((other) => deepEqual(item, other)) === index);
}

interface ItemDirectives {
  readonly kept: readonly Json[];
  readonly order: readonly JsonObject[];
  readonly replace: boolean;
}

function applyItemDirectives(current: readonly Json[], patch: readonly Json[], key: string): ItemDirectives {
  let kept = current;
  let replace = false;
  const order: JsonObject[] = [];
  for (const item of patch) {
    if (!isJsonObject(item))
      throw unknownError(`expected a map[string]interface {}, but received a ${goType(item)}`);
    if (!hasKey(item, directive)) order.push(item);
    else if (item[directive] === 'delete') {
      const deleted = keyValue(item, key);
      kept = kept.filter((other) => !isJsonObject(other) || !deepEqual(other[key], deleted));
    } else if (item[directive] === 'replace') replace = true;
    else if (item[directive] === 'merge')
      throw unknownError('merging lists cannot yet be specified in the patch');
    else throw unknownDirective(item[directive], item);
  }
  return { kept, order, replace };
}

function keyValue(item: JsonObject, key: string): Json {
  const value = item[key];
  if (value !== undefined && hasKey(item, key)) return value;
  throw unknownError(`map: ${goValue(item)} does not contain declared merge key: ${key}`);
}

function mergeKeyed(
  current: readonly Json[],
  patch: readonly JsonObject[],
  key: string,
  node: Schema,
): readonly Json[] {
  const items = [...current];
  for (const item of patch) {
    const value = keyValue(item, key);
    const at = items.findIndex((other) => isJsonObject(other) && deepEqual(other[key], value));
    const found = items[at];
    if (isJsonObject(found)) items[at] = mergeMap(found, item, node.items ?? {});
    else items.push(item);
  }
  return items;
}

/** What tells items apart: their merge key, or the whole scalar. */
function identifier(node: Schema): (item: Json) => Json {
  const key = node['x-kubernetes-patch-merge-key'];
  return (item) => (key !== undefined && isJsonObject(item) ? (item[key] ?? null) : item);
}

/** Merges the lists that `$setElementOrder` speaks of into `result`, and returns their keys. */
function mergeOrderedLists(result: MutableJsonObject, patch: JsonObject, node: Schema): ReadonlySet<string> {
  const done = new Set<string>();
  for (const [directiveKey, order] of Object.entries(patch)) {
    if (!directiveKey.startsWith(orderPrefix)) continue;
    const key = directiveKey.slice(orderPrefix.length);
    const sorted = mergeOrdered(
      listAt(result, key),
      listAt(patch, key),
      order,
      propertySchema(node, key) ?? {},
    );
    if (sorted === undefined) continue;
    setKey(result, key, sorted);
    done.add(key);
  }
  return done;
}

function listAt(object: JsonObject, key: string): readonly Json[] | undefined {
  const value = hasKey(object, key) ? object[key] : undefined;
  if (value === undefined || isJsonArray(value)) return value;
  throw notAList(value);
}

function notAList(value: Json): Error {
  return unknownError(`expected a []interface {}, but received a ${goType(value)}`);
}

function mergeOrdered(
  current: readonly Json[] | undefined,
  patch: readonly Json[] | undefined,
  order: Json,
  schema: Schema,
): readonly Json[] | undefined {
  if (!isJsonArray(order)) throw notAList(order);
  const node = resolve(schema);
  const identify = identifier(node);
  assertOrder(patch ?? [], order, identify);
  if (current === undefined && patch === undefined) return undefined;
  const items = mergeBoth(current, patch, schema);
  return interleave({ merged: { items }, first: order, live: current ?? [], identify });
}

function mergeBoth(
  current: readonly Json[] | undefined,
  patch: readonly Json[] | undefined,
  schema: Schema,
): readonly Json[] {
  if (patch === undefined) return current ?? [];
  if (current !== undefined) return mergeList(current, patch, schema);
  return patch.map(withoutDirectives).filter((item) => item !== undefined);
}

/** The items of the patch must appear in the order that the patch itself asks for. */
function assertOrder(patch: readonly Json[], order: readonly Json[], identify: (item: Json) => Json): void {
  const wanted = patch.filter((item) => !isJsonObject(item) || !hasKey(item, directive));
  if (wanted.length === 0 || order.length === 0) return;
  let next = 0;
  for (const item of order) {
    const candidate = wanted[next];
    if (candidate !== undefined && deepEqual(identify(candidate), identify(item))) next += 1;
  }
  if (next === wanted.length) return;
  throw unknownError(
    `The order in patch list:\n${goValue(patch)}\n doesn't match ${orderPrefix.slice(0, -1)} list:\n${goValue(order)}\n`,
  );
}
