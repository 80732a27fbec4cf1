/** JSON patch (RFC 6902), with the leniencies of the server where it departs from the RFC. */
import { deepEqual } from './equal.js';
import { hasKey, isJsonArray, isJsonObject, setKey, textOf } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { goTypeName } from './merge-patch.js';
import { badRequest, tooLarge, unprocessable } from './status.js';

const maxOperations = 10_000;
const members = ['op', 'path', 'from'] as const;

/**
 * Applies `operations` in order, all or nothing.
 *
 * As the server does it: `replace` of a missing key adds it, a missing `value` is null, `test` for null passes on a
 * missing key, negative indices count from the end of a list.
 *
 * @throws StatusError 400 if `operations` is no list of operations, 422 if one of them cannot be applied
 */
export function applyJsonPatch(document: Json, operations: Json): Json {
  const list = decodeOperations(operations);
  if (list.length > maxOperations) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${list.length}`);
  }
  return list.reduce<Json>(applyOperation, document);
}

function decodeOperations(operations: Json): readonly JsonObject[] {
  if (operations === null) return [];
  if (!isJsonArray(operations)) throw undecodable(operations, '[]handlers.jsonPatchOp');
  return operations.map((operation) => {
    if (operation === null) return {};
    if (!isJsonObject(operation)) throw undecodable(operation, 'handlers.jsonPatchOp');
    for (const member of members) {
      const value = operation[member];
      if (value !== undefined && value !== null && typeof value !== 'string') {
        throw undecodable(value, 'string', `Go struct field jsonPatchOp.${member} of type string`);
      }
    }
    return operation;
  });
}

function undecodable(value: Json, type: string, target = `Go value of type ${type}`): Error {
  return badRequest(`error decoding patch: json: cannot unmarshal ${goTypeName(value)} into ${target}`);
}

function applyOperation(document: Json, operation: JsonObject): Json {
  const path = pointer(operation, 'path');
  switch (textOf(operation['op'])) {
    case 'add':
      return add(document, path, valueOf(operation));
    case 'remove':
      return remove(document, path);
    case 'replace':
      return replace(document, path, valueOf(operation));
    case 'test':
      return test(document, path, valueOf(operation));
    case 'move': {
      const from = pointer(operation, 'from');
      return add(remove(document, from), path, get(document, from) ?? null);
    }
    case 'copy':
      return add(document, path, get(document, pointer(operation, 'from')) ?? null);
    default:
      throw unprocessable();
  }
}

function valueOf(operation: JsonObject): Json {
  return operation['value'] ?? null;
}

function pointer(operation: JsonObject, member: 'path' | 'from'): readonly string[] {
  const text = operation[member];
  if (typeof text !== 'string') throw unprocessable();
  const [, ...keys] = text.split('/');
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function add(document: Json, path: readonly string[], value: Json): Json {
  return update(document, path, (container, key) => {
    if (!isJsonArray(container)) return assign(container, key, value);
    const at = key === '-' ? container.length : indexOf(key, container.length + 1);
    return container.toSpliced(at, 0, value);
  });
}

function remove(document: Json, path: readonly string[]): Json {
  return update(document, path, (container, key) => {
    if (isJsonArray(container)) return container.toSpliced(indexOf(key, container.length), 1);
    if (!hasKey(container, key)) throw unprocessable();
    const copy: MutableJsonObject = { ...container };
    delete copy[key];
    return copy;
  });
}

function replace(document: Json, path: readonly string[], value: Json): Json {
  if (path.length === 0) {
    if (!isJsonArray(value) && !isJsonObject(value)) throw unprocessable();
    return value;
  }
  return update(document, path, (container, key) =>
    isJsonArray(container)
      ? container.with(indexOf(key, container.length), value)
      : assign(container, key, value),
  );
}

function test(document: Json, path: readonly string[], value: Json): Json {
  const found = path.length === 0 ? document : get(document, path);
  if (!deepEqual(found ?? null, value)) throw unprocessable();
  return document;
}

/** The value at `path`; undefined if only its last key is missing. */
function get(document: Json, path: readonly string[]): Json | undefined {
  let found: Json | undefined;
  update(document, path, (container, key) => {
    found = child(container, key);
    return container;
  });
  return found;
}

type Container = JsonObject | readonly Json[];

/** Copies the containers along `path` and lets `change` replace the last one. */
function update(
  document: Json,
  path: readonly string[],
  change: (container: Container, key: string) => Container,
): Json {
  const [key, ...rest] = path;
  if (key === undefined || !(isJsonArray(document) || isJsonObject(document))) throw unprocessable();
  if (rest.length === 0) return change(document, key);
  const next = child(document, key);
  if (next === undefined) throw unprocessable();
  const changed = update(next, rest, change);
  return isJsonArray(document)
    ? document.with(indexOf(key, document.length), changed)
    : assign(document, key, changed);
}

function child(container: Container, key: string): Json | undefined {
  if (isJsonArray(container)) return container[indexOf(key, container.length)];
  return hasKey(container, key) ? container[key] : undefined;
}

function assign(container: JsonObject, key: string, value: Json): JsonObject {
  const copy: MutableJsonObject = { ...container };
  setKey(copy, key, value);
  return copy;
}

/** `-1` is the last of `length` places. */
function indexOf(key: string, length: number): number {
  if (!/^[+-]?\d+$/.test(key)) throw unprocessable();
  const index = Number(key);
  if (index >= length || index < -length) throw unprocessable();
  return index < 0 ? index + length : index;
}
