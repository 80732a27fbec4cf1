/** Request bodies: their media type, their JSON, and the kind of object they say they are. */
import { isJsonObject } from '../object/json.js';
import type { Json, JsonObject } from '../object/json.js';
import { nameMismatch, namespaceMismatch } from '../object/object-meta.js';
import { badRequest, invalid, unsupportedMediaType } from '../object/status.js';
import { fieldInvalid } from '../object/field-error.js';
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
export function readObject(request: ApiRequest, resource: Resource, namespace: string): JsonObject {
  const value = readBody(request, resource.definition.kind);
  assertTyped(value, request, resource);
  return inNamespace(withDefaultType(value, resource), resource, namespace);
}

/**
 * The body as an object, whatever it is of.
 *
 * @throws StatusError 415, 400
 */
export function readBody(request: ApiRequest, kind: string): JsonObject {
  const type = mediaTypeOf(request);
  if (type === protobufType) return decodeProtobuf(request.body);
  if (!['application/json', 'application/yaml'].includes(type)) throw unsupportedMediaType(objectMediaTypes);
  return parseJson(request.body.toString(), kind);
}

/** @throws StatusError 400; YAML is read as far as it is JSON */
function parseJson(text: string, kind: string): JsonObject {
  const problem = (cause: string) =>
    badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${cause}`,
    );
  if (text.trim() === '') throw problem('unexpected end of JSON input (<empty>)');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw problem(`${error instanceof Error ? error.message : String(error)} (${excerpt(text)})`);
  }
  if (!isJsonObject(value)) throw problem(`json: cannot unmarshal into an object (${excerpt(text)})`);
  return value;
}

const excerpt = (text: string): string => (text.length > 30 ? `${text.slice(0, 30)} ...` : text);

/** Custom resources say what they are; of built-in kinds only a wrong word is refused. */
function assertTyped(value: JsonObject, { body }: ApiRequest, resource: Resource): void {
  const { kind, custom, group } = resource.definition;
  const [sentKind, sentVersion] = [textAt(value, 'kind'), textAt(value, 'apiVersion')];
  if (custom) {
    if (sentKind === '') {
      const text = body.toString();
      throw badRequest(
        `the object provided is unrecognized (must be of type ${kind}): Object 'Kind' is missing in '${text}' (${excerpt(text)})`,
      );
    }
    if (sentVersion !== resource.apiVersion) throw wrongVersion(sentVersion, resource);
    if (sentKind !== kind) {
      throw invalid({ group, kind: sentKind }, nameOf(value), [
        fieldInvalid('kind', sentKind, `must be ${kind}`),
      ]);
    }
    return;
  }
  if (sentVersion !== '' && sentVersion !== resource.apiVersion) {
    throw cannotBeHandledAs(
      sentKind || kind,
      sentVersion,
      kind,
      `no kind ${JSON.stringify(sentKind || kind)} is registered for version ${JSON.stringify(sentVersion)} in scheme "pkg/runtime/scheme.go:111"`,
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

function wrongVersion(sent: string, resource: Resource) {
  return badRequest(
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

/** @throws StatusError 400 if the object names another namespace */
function inNamespace(value: JsonObject, resource: Resource, namespace: string): JsonObject {
  const sent = namespaceOf(value);
  if (!resource.definition.namespaced) {
    return sent === '' ? value : withMetadata(value, { namespace: undefined });
  }
  if (sent === namespace) return value;
  if (sent === '') return withMetadata(value, { namespace });
  throw namespaceMismatch();
}

/** @throws StatusError 400 if the object names another name than the path */
export function assertSameName(object: JsonObject, name: string): JsonObject {
  const sent = nameOf(object);
  if (sent === name) return object;
  throw nameMismatch(sent, name);
}
