/** Request bodies: their media type, their JSON, and the kind of object they say they are. */
import { JsonSyntaxError, readJson } from '../object/json-text.js';
import type { JsonText, ReadJsonOptions } from '../object/json-text.js';
import { isJsonArray, isJsonObject } from '../object/json.js';
import type { JsonObject } from '../object/json.js';
import { goTypeName } from '../object/merge-patch.js';
import { nameMismatch, namespaceMismatch } from '../object/object-meta.js';
import { badRequest, failure, unsupportedMediaType } from '../object/status.js';
import { unregisteredKind } from './claimed-kind.js';
import type { ApiRequest } from './http-message.js';
import { namespaceOf, nameOf, textAt, withMetadata } from './meta.js';
import { decodeProtobuf, protobufType } from './protobuf.js';
import { apiVersionOf } from './resource.js';
import type { Resource } from './resource.js';

export const objectMediaTypes = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
];

export interface SentObject {
  readonly object: JsonObject;
  /** The fields that the text has more than once. */
  readonly duplicates: readonly string[];
  /** As it was sent, with the kind and version that it claims to have. */
  readonly raw: JsonObject;
}

/** The Content-Type without parameters; JSON where none is given. */
export function mediaTypeOf({ headers }: ApiRequest): string {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' || type === 'application/x-www-form-urlencoded' ? 'application/json' : type;
}

/**
 * The body as an object that may be of this resource; kind and apiVersion filled in, its namespace that of the path.
 *
 * @throws StatusError 415 for another media type, 400 for text that is no such object
 */
export function readObject(request: ApiRequest, resource: Resource, namespace: string): SentObject {
  const { kind, custom } = resource.definition;
  // The fields of a built-in kind are known, so that repeated ones are read into the same place.
  const { object, duplicates } = readSent(request, kind, { merge: !custom });
  assertTyped(object, request, resource);
  const placed = inNamespace(withDefaultType(object, resource), resource, namespace);
  return { object: placed, duplicates, raw: object };
}

/**
 * The body as an object, whatever it is of.
 *
 * @throws StatusError 415, 400
 */
export function readBody(request: ApiRequest, kind: string): JsonObject {
  return readSent(request, kind, { merge: true }).object;
}

function readSent(request: ApiRequest, kind: string, options: ReadJsonOptions): SentObject {
  const type = mediaTypeOf(request);
  if (type === protobufType) return withoutDuplicates(decodeProtobuf(request.body));
  if (!['application/json', 'application/yaml'].includes(type)) throw unsupportedMediaType(objectMediaTypes);
  return parseJson(request.body.toString(), kind, options, type === 'application/yaml');
}

const withoutDuplicates = (object: JsonObject): SentObject => ({ object, duplicates: [], raw: object });

export function yamlNotRead() {
  return failure({
    code: 501,
    reason: 'NotImplemented',
    message: 'the embedded API server reads YAML only as far as it is JSON: send it converted to JSON',
  });
}

/** @throws StatusError 400, and 501 for YAML that is no JSON */
function parseJson(text: string, kind: string, options: ReadJsonOptions, isYaml: boolean): SentObject {
  const problem = (cause: string) =>
    badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${cause}`,
    );
  if (text.trim() === '') throw problem('unexpected end of JSON input (<empty>)');
  const { value, duplicates } = parse(text, options, (cause) =>
    isYaml ? yamlNotRead() : problem(`${cause} (${excerpt(text)})`),
  );
  if (value === null) return { object: {}, duplicates, raw: {} };
  if (isJsonObject(value)) return { object: value, duplicates, raw: value };
  const words = `json: cannot unmarshal ${isJsonArray(value) ? 'array' : goTypeName(value)} into ${goHeader}`;
  throw problem(`${words} (${excerpt(text)})`);
}

const goHeader = String.raw`Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;

function parse(text: string, options: ReadJsonOptions, problem: (cause: string) => Error): JsonText {
  try {
    return readJson(text, options);
  } catch (error) {
    throw error instanceof JsonSyntaxError ? problem(error.message) : error;
  }
}

/** What is no object is shown in hexadecimal. */
function excerpt(text: string): string {
  if (!text.startsWith('{')) return Buffer.from(text).toString('hex');
  return text.length > 30 ? `${text.slice(0, 30)} ...` : text;
}

/** Custom resources say what they are; of built-in kinds only a wrong word is refused. */
function assertTyped(value: JsonObject, { body }: ApiRequest, resource: Resource): void {
  const { kind, custom } = resource.definition;
  const [sentKind, sentVersion] = [textAt(value, 'kind'), textAt(value, 'apiVersion')];
  if (custom) {
    if (sentKind === '') {
      const text = body.toString();
      throw badRequest(
        `the object provided is unrecognized (must be of type ${kind}): Object 'Kind' is missing in '${text}' (${excerpt(text)})`,
      );
    }
    return;
  }
  if (sentVersion !== '' && sentVersion !== resource.apiVersion) {
    throw cannotBeHandledAs(
      sentKind || kind,
      sentVersion,
      kind,
      unregisteredKind(sentKind || kind, sentVersion),
    );
  }
  if (sentKind !== '' && sentKind !== kind) {
    throw cannotBeHandledAs(
      sentKind,
      resource.apiVersion,
      kind,
      `converting (v1.${sentKind}) to (core.${kind}): unknown conversion`,
    );
  }
}

/** @throws StatusError 400 for a custom resource of another version than that of the path */
export function assertSentVersion(resource: Resource, raw: JsonObject): void {
  const sent = textAt(raw, 'apiVersion');
  if (!resource.definition.custom || sent === resource.apiVersion) return;
  throw badRequest(
    `the API version in the data (${sent}) does not match the expected API version (${resource.apiVersion})`,
  );
}

function cannotBeHandledAs(sentKind: string, version: string, kind: string, cause: string) {
  return badRequest(
    `${sentKind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${cause}`,
  );
}

function withDefaultType(value: JsonObject, resource: Resource): JsonObject {
  const { kind } = resource.definition;
  return { ...value, kind, apiVersion: apiVersionOf(resource.definition) };
}

/** In the namespace of the path, unless it says that it is in another. */
function inNamespace(value: JsonObject, resource: Resource, namespace: string): JsonObject {
  // Decoding says what is wrong with it.
  if (!isJsonObject(value['metadata'] ?? {})) return value;
  const sent = namespaceOf(value);
  if (!resource.definition.namespaced) {
    return sent === '' ? value : withMetadata(value, { namespace: undefined });
  }
  return sent === '' ? withMetadata(value, { namespace }) : value;
}

/** @throws StatusError 400 if the object is of another namespace than the path; not for objects that are in none */
export function assertSameNamespace(object: JsonObject, { definition }: Resource, namespace: string): void {
  if (definition.namespaced && namespaceOf(object) !== namespace) throw namespaceMismatch();
}

/** @throws StatusError 400 if the object names another name than the path */
export function assertSameName(object: JsonObject, name: string): JsonObject {
  const sent = nameOf(object);
  if (sent === name) return object;
  throw nameMismatch(sent, name);
}
