/** How a value counts when fields are owned, compared and merged: as one leaf, as a map or as a list with keys. */
import { fieldStep, keyStep, valueStep } from './field-set.js';
import type { PathStep } from './field-set.js';
import { isJsonArray, isJsonObject } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { isIntOrString, propertySchema, resolve } from './schema.js';
import type { Schema } from './schema.js';

/** A map whose fields are owned one by one. */
export interface MapType {
  readonly kind: 'map';
  readonly schema: Schema;
}

/** A list whose items are owned one by one; no keys if the items are the keys themselves. */
export interface ListType {
  readonly kind: 'list';
  readonly keys: readonly string[];
  readonly items: Schema;
}

export type FieldType = MapType | ListType | { readonly kind: 'leaf' };

const leaf: FieldType = { kind: 'leaf' };

/** The type of `value`; where the schema leaves it open, maps are merged and lists are not. */
export function fieldType(schema: Schema, value: Json | undefined): FieldType {
  const node = resolve(schema);
  if (isJsonObject(value)) return mapType(node);
  if (isJsonArray(value)) return listType(node);
  return value === null ? typeOfNull(node) : leaf;
}

function typeOfNull(node: Schema): FieldType {
  if (node.type === 'object') return mapType(node);
  return node.type === 'array' ? listType(node) : leaf;
}

function mapType(node: Schema): FieldType {
  return node['x-kubernetes-map-type'] === 'atomic' ? leaf : { kind: 'map', schema: node };
}

function listType(node: Schema): FieldType {
  const items = node.items ?? {};
  const listType = node['x-kubernetes-list-type'];
  if (listType === 'map') return { kind: 'list', keys: node['x-kubernetes-list-map-keys'] ?? [], items };
  if (listType === 'set') return { kind: 'list', keys: [], items };
  return listType === 'atomic' ? leaf : listTypeOfPatch(node, items);
}

function listTypeOfPatch(node: Schema, items: Schema): FieldType {
  if (node['x-kubernetes-patch-strategy']?.split(',').includes('merge') !== true) return leaf;
  const key = node['x-kubernetes-patch-merge-key'];
  return { kind: 'list', keys: key === undefined ? [] : [key], items };
}

/** What stands under a key of a map; an empty schema if anything may. */
export function fieldSchema(map: MapType, key: string): Schema {
  return propertySchema(map.schema, key) ?? {};
}

export function isNamedField(schema: Schema, step: PathStep): boolean {
  return step.startsWith('f:') && Object.hasOwn(resolve(schema).properties ?? {}, step.slice(2));
}

/** The schema below one step of a path. */
export function schemaBelow(schema: Schema, step: PathStep): Schema {
  const node = resolve(schema);
  return step.startsWith('f:') ? (propertySchema(node, step.slice(2)) ?? {}) : (node.items ?? {});
}

/** Whether the schema says nothing of the fields of an object, so that any may stand there. */
export function allowsAnyField(node: Schema): boolean {
  if (node['x-kubernetes-preserve-unknown-fields'] === true || node.additionalProperties === true)
    return true;
  return node.properties === undefined && node.additionalProperties === undefined;
}

/** Whether a value may be any scalar: an int or a string, a quantity, or nothing said at all. */
export function allowsAnyScalar(node: Schema): boolean {
  return isIntOrString(node) || node.type === undefined;
}

/** An item that cannot be told from the others; the message is the server's. */
export class UnidentifiableItem extends Error {
  override readonly name = 'UnidentifiableItem';
}

/**
 * The step that leads to an item of a list: its key fields, defaults included, or its value.
 *
 * @throws UnidentifiableItem if the item has no such key or is not of a kind that can be one
 */
export function itemStep(list: ListType, item: Json): PathStep {
  return list.keys.length > 0 ? keyedItemStep(list, item) : setItemStep(item);
}

function keyedItemStep({ keys, items }: ListType, item: Json): PathStep {
  if (item === null) throw new UnidentifiableItem('associative list with keys may not have a null element');
  if (!isJsonObject(item)) {
    throw new UnidentifiableItem('associative list with keys may not have non-map elements');
  }
  const found: MutableJsonObject = {};
  for (const key of [...keys].sort()) {
    const value = item[key] ?? defaultOf(items, key);
    if (value !== undefined) found[key] = value;
  }
  if (Object.keys(found).length > 0) return keyStep(found);
  throw new UnidentifiableItem(
    `associative list with keys has an element that omits all key fields [${keys.map((key) => JSON.stringify(key)).join(' ')}] (and doesn't have default values for any key fields)`,
  );
}

function defaultOf(items: Schema, key: string): Json | undefined {
  const schema = propertySchema(resolve(items), key);
  return schema === undefined ? undefined : resolve(schema).default;
}

function setItemStep(item: Json): PathStep {
  if (isJsonObject(item)) {
    throw new UnidentifiableItem("associative list without keys has an element that's a map type");
  }
  if (isJsonArray(item)) {
    throw new UnidentifiableItem('not supported: associative list with lists as elements');
  }
  if (item === null) {
    throw new UnidentifiableItem("associative list without keys has an element that's an explicit null");
  }
  return valueStep(item);
}

/** The items of a list by step, in order; items that share one stand together. */
export function itemsByStep(list: ListType, items: readonly Json[]): ReadonlyMap<PathStep, readonly Json[]> {
  const found = new Map<PathStep, Json[]>();
  for (const item of items) {
    const step = itemStep(list, item);
    const same = found.get(step);
    if (same === undefined) found.set(step, [item]);
    else same.push(item);
  }
  return found;
}

/** The fields of a map that either side has, with both values. */
export function* zipFields(
  before: JsonObject,
  after: JsonObject,
): Generator<readonly [string, PathStep, Json | undefined, Json | undefined]> {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const own = (object: JsonObject) => (Object.hasOwn(object, key) ? object[key] : undefined);
    yield [key, fieldStep(key), own(before), own(after)];
  }
}
