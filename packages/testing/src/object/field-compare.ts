/** Which fields an object has, and which of them differ between two versions of it. */
import { deepEqual } from './equal.js';
import { FieldSetBuilder, recursiveDifference } from './field-set.js';
import type { FieldSet, PathStep } from './field-set.js';
import { fieldSchema, fieldType, itemsByStep, zipFields } from './field-types.js';
import type { ListType } from './field-types.js';
import { isJsonArray, isJsonObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import { propertySchema } from './schema.js';
import type { Schema } from './schema.js';

/** No field is in more than one of the three. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

/** The fields that somebody owns who applies `object`. */
export function fieldsOf(object: JsonObject, schema: Schema): FieldSet {
  const builder = new FieldSetBuilder();
  collect(builder, [], schema, object);
  return builder.build();
}

function collect(out: FieldSetBuilder, path: readonly PathStep[], schema: Schema, value: Json): void {
  const type = fieldType(schema, value);
  if (type.kind === 'leaf') return out.insert(path);
  if (type.kind === 'map' && isJsonObject(value)) {
    for (const [key, step, , item = null] of zipFields({}, value)) {
      const below = [...path, step];
      collect(out, below, fieldSchema(type, key), item);
      const declared = Object.hasOwn(type.schema.properties ?? {}, key);
      if (!declared || item === null || isEmptyObject(item)) out.insert(below);
    }
  }
  if (type.kind === 'list' && isJsonArray(value)) {
    for (const [step, items] of itemsByStep(type, value)) {
      if (items.length === 1) collect(out, [...path, step], type.items, items[0] ?? null);
      out.insert([...path, step]);
    }
  }
}

function isEmptyObject(value: Json): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** Compares two versions; what is below `ignored` counts as equal. */
export function compare(
  before: JsonObject,
  after: JsonObject,
  schema: Schema,
  ignored: FieldSet | undefined,
): Comparison {
  const comparer = new Comparer();
  comparer.compare([], schema, before, after);
  return comparer.result(ignored);
}

class Comparer {
  readonly #removed = new FieldSetBuilder();
  readonly #modified = new FieldSetBuilder();
  readonly #added = new FieldSetBuilder();

  result(ignored: FieldSet | undefined): Comparison {
    const built = (builder: FieldSetBuilder) =>
      ignored === undefined ? builder.build() : recursiveDifference(builder.build(), ignored);
    return { removed: built(this.#removed), modified: built(this.#modified), added: built(this.#added) };
  }

  compare(
    path: readonly PathStep[],
    schema: Schema,
    before: Json | undefined,
    after: Json | undefined,
  ): void {
    const type = fieldType(schema, after ?? before);
    if (isOtherKind(before, after)) return this.#compareKinds(path, schema, before, after);
    if (type.kind === 'map' && canBe(isJsonObject, before) && canBe(isJsonObject, after)) {
      if (size(before) + size(after) > 0) return this.#compareMaps(path, schema, before, after);
    } else if (type.kind === 'list' && canBe(isJsonArray, before) && canBe(isJsonArray, after)) {
      if (size(before) + size(after) > 0) return this.#compareLists(path, type, before, after);
    }
    if (before === undefined || after === undefined) this.#mark(path, before, after);
    else if (!deepEqual(before, after)) this.#modified.insert(path);
  }

  /** A map that became a list or a scalar, or the other way round: what was in it is gone, what is in it is new. */
  #compareKinds(
    path: readonly PathStep[],
    schema: Schema,
    before: Json | undefined,
    after: Json | undefined,
  ): void {
    if (fieldType(schema, before).kind !== 'leaf') this.compare(path, schema, before, null);
    if (fieldType(schema, after).kind !== 'leaf') this.compare(path, schema, null, after);
    this.#modified.insert(path);
  }

  /** A container that came or went counts itself, besides what is in it. */
  #mark(path: readonly PathStep[], before: Json | undefined, after: Json | undefined): void {
    if (before === undefined) this.#added.insert(path);
    else if (after === undefined) this.#removed.insert(path);
  }

  #compareMaps(
    path: readonly PathStep[],
    schema: Schema,
    before: Json | undefined,
    after: Json | undefined,
  ): void {
    const type = fieldType(schema, after ?? before);
    const left = isJsonObject(before) ? before : {};
    for (const [key, step, old, item] of zipFields(left, isJsonObject(after) ? after : {})) {
      const below = type.kind === 'map' ? propertySchema(type.schema, key) : undefined;
      this.compare([...path, step], below ?? {}, old, item);
    }
    this.#mark(path, before, after);
  }

  #compareLists(
    path: readonly PathStep[],
    type: ListType,
    before: Json | undefined,
    after: Json | undefined,
  ): void {
    const left = itemsByStep(type, isJsonArray(before) ? before : []);
    const right = itemsByStep(type, isJsonArray(after) ? after : []);
    for (const step of new Set([...left.keys(), ...right.keys()])) {
      this.#compareItems([...path, step], type.items, left.get(step) ?? [], right.get(step) ?? []);
    }
    this.#mark(path, before, after);
  }

  /** Items that share a key are one leaf. */
  #compareItems(
    path: readonly PathStep[],
    schema: Schema,
    before: readonly Json[],
    after: readonly Json[],
  ): void {
    if (before.length <= 1 && after.length <= 1) return this.compare(path, schema, before[0], after[0]);
    if (before.length > 1 && after.length > 1) {
      if (!deepEqual(before, after)) this.#modified.insert(path);
    } else if (before.length > 1) {
      if (after.length > 0) this.compare(path, schema, undefined, after[0]);
      this.#removed.insert(path);
    } else {
      if (before.length > 0) this.compare(path, schema, before[0], undefined);
      this.#added.insert(path);
    }
  }
}

function isOtherKind(before: Json | undefined, after: Json | undefined): boolean {
  if ((before ?? null) === null || (after ?? null) === null) return false;
  return isJsonArray(before) !== isJsonArray(after) || isJsonObject(before) !== isJsonObject(after);
}

/** Null and absence stand for an empty container of either kind. */
function canBe(isContainer: (value: Json | undefined) => boolean, value: Json | undefined): boolean {
  return value === undefined || value === null || isContainer(value);
}

function size(value: Json | undefined): number {
  if (isJsonArray(value)) return value.length;
  return isJsonObject(value) ? Object.keys(value).length : 0;
}
