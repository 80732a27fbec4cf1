/** Dropping the fields that a custom resource's schema does not know. */
import { compareBytes } from './go-format.js';
import { hasKey, isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { objectMetaSchema } from './schema.js';
import type { Schema } from './schema.js';
import { decodeBuiltIn } from './unknown-fields.js';

export interface Pruned {
  readonly object: JsonObject;
  /** The fields that were dropped, as `spec.foo` and `spec.list[0].bar`, in the server's order. */
  readonly pruned: readonly string[];
  /** Why the metadata, or an embedded object, cannot be decoded; the object is not to be used then. */
  readonly problem: string | undefined;
}

/**
 * Drops what `schema`, a definition's `openAPIV3Schema`, does not know, and decodes the metadata.
 *
 * `apiVersion`, `kind` and `metadata` stay, of the object itself and of embedded ones.
 */
export function pruneUnknown(object: JsonObject, schema: Schema): Pruned {
  const pruner = new Pruner();
  const pruned = pruner.resource(object, schema, '');
  return {
    object: pruned,
    pruned: [...pruner.unknown.sort(compareBytes), ...pruner.unknownEmbedded],
    problem: pruner.problem,
  };
}

const resourceFields = new Set(['apiVersion', 'kind', 'metadata']);

class Pruner {
  readonly unknown: string[] = [];
  readonly unknownEmbedded: string[] = [];
  problem: string | undefined;

  resource(object: JsonObject, schema: Schema, path: string): JsonObject {
    const result: MutableJsonObject = {};
    for (const [key, value] of Object.entries(object)) {
      if (!resourceFields.has(key)) this.#field(result, key, value, schema, path);
      else if (key === 'metadata') this.#metadata(result, value, path);
      else this.#typeField(result, key, value, path);
    }
    return result;
  }

  #typeField(result: MutableJsonObject, key: string, value: Json, path: string): void {
    if (typeof value !== 'string') {
      this.problem ??= `${below(path, key)}: Invalid value: ${JSON.stringify(value)}: must be a string`;
    }
    setKey(result, key, value);
  }

  #metadata(result: MutableJsonObject, value: Json, path: string): void {
    if (value === null) return;
    const { object, unknown, problem } = decodeMetadata(value);
    const place = below(path, 'metadata');
    if (problem !== undefined) {
      this.problem ??=
        path === '' ? problem : `${place}: Invalid value: ${JSON.stringify(value)}: ${problem}`;
    }
    (path === '' ? this.unknown : this.unknownEmbedded).push(...unknown.map((field) => below(place, field)));
    result['metadata'] = object;
  }

  #field(result: MutableJsonObject, key: string, value: Json, schema: Schema, path: string): void {
    const { properties, additionalProperties } = schema;
    const place = below(path, key);
    if (properties !== undefined && hasKey(properties as never, key)) {
      setKey(result, key, this.#value(value, properties[key] ?? {}, place));
    } else if (typeof additionalProperties === 'object') {
      setKey(result, key, this.#value(value, additionalProperties, place));
    } else if (additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields'] === true) {
      setKey(result, key, value);
    } else {
      this.unknown.push(place);
    }
  }

  #value(value: Json, schema: Schema, path: string): Json {
    if (isJsonArray(value)) {
      return value.map((item, index) => this.#value(item, schema.items ?? preserving, `${path}[${index}]`));
    }
    if (!isJsonObject(value)) return value;
    if (schema['x-kubernetes-embedded-resource'] === true) return this.resource(value, schema, path);
    const result: MutableJsonObject = {};
    for (const [key, item] of Object.entries(value)) this.#field(result, key, item, schema, path);
    return result;
  }
}

const preserving: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

interface DecodedMetadata {
  readonly object: JsonObject;
  readonly unknown: readonly string[];
  readonly problem: string | undefined;
}

function decodeMetadata(value: Json): DecodedMetadata {
  if (!isJsonObject(value)) {
    const type = isJsonArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    return {
      object: {},
      unknown: [],
      problem: `json: cannot unmarshal ${type} into Go value of type v1.ObjectMeta`,
    };
  }
  const { object, unknown, problem } = decodeBuiltIn(value, objectMetaSchema);
  return { object, unknown: unknown.map((message) => /"(.*)"/.exec(message)?.[1] ?? message), problem };
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
