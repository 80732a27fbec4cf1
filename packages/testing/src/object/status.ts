/**
 * The failures of a Kubernetes API server, as the Status bodies that it answers with.
 *
 * Every constructor here returns the error; the caller throws it.
 */
import { fieldInvalid, formatFieldError } from './field-error.js';
import type { FieldError } from './field-error.js';
import { goQuote } from './go-format.js';

export type { FieldError, FieldErrorReason } from './field-error.js';

/** `plural` is the resource as it stands in the URL; the core group is `''`. */
export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The body of a `metav1.Status` that reports a failure, keys in the server's order. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status;

  constructor(status: Status) {
    super(status.message);
    this.status = status;
  }
}

interface Failure {
  readonly code: number;
  /** `''` leaves the key out, as the server does for an unknown reason. */
  readonly reason: string;
  readonly message: string;
  readonly details?: StatusDetails;
}

/** A Status of any shape, for the answers that have no constructor of their own here. */
export function failure({ code, reason, message, details }: Failure): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** `leases.coordination.k8s.io`, or `pods` for the core group. */
export function qualify({ group }: { readonly group: string }, name: string): string {
  return group === '' ? name : `${name}.${group}`;
}

function detailsOf(group: string, kind: string, name = ''): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
  };
}

export function notFound(resource: GroupResource, name: string): StatusError {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: `${qualify(resource, resource.plural)} ${goQuote(name)} not found`,
    details: detailsOf(resource.group, resource.plural, name),
  });
}

/** The 404 for a resource or a path that a known group does not have. */
export function pageNotFound(): StatusError {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

export function alreadyExists(resource: GroupResource, name: string): StatusError {
  return failure({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualify(resource, resource.plural)} ${goQuote(name)} already exists`,
    details: detailsOf(resource.group, resource.plural, name),
  });
}

/** A POST onto a name whose object is being deleted. */
export function beingDeleted(resource: GroupResource, name: string): StatusError {
  return failure({
    code: 409,
    reason: 'AlreadyExists',
    message: `object is being deleted: ${qualify(resource, resource.plural)} ${goQuote(name)} already exists`,
    details: detailsOf(resource.group, resource.plural, name),
  });
}

const staleObject =
  'the object has been modified; please apply your changes to the latest version and try again';

/** A 409 of an update; without a cause, the message for a stale resourceVersion. */
export function conflict(resource: GroupResource, name: string, cause: string = staleObject): StatusError {
  return failure({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualify(resource, resource.plural)} ${goQuote(name)}: ${cause}`,
    details: detailsOf(resource.group, resource.plural, name),
  });
}

/** What `given` says of an object that was asked for by uid or resourceVersion. */
export interface Precondition {
  readonly field: 'UID' | 'ResourceVersion';
  readonly inPrecondition: string;
  readonly inObject: string;
}

/** A precondition that the stored object does not meet; names the kind where an update names the resource. */
export function preconditionFailed(
  resource: GroupResource,
  name: string,
  { field, inPrecondition, inObject }: Precondition,
): StatusError {
  return conflict(
    resource,
    name,
    `Precondition failed: ${field} in precondition: ${inPrecondition}, ${field} in object meta: ${inObject}`,
  );
}

export function applyConflict(causes: readonly FieldError[], message: string): StatusError {
  return failure({ code: 409, reason: 'Conflict', message, details: { causes: causes.map(inWireOrder) } });
}

function inWireOrder({ reason, message, field }: FieldError): StatusCause {
  // What concerns the whole object has no path.
  return { reason, message, field: field === '' ? '<nil>' : field };
}

/** 422, with one cause for each field error; several errors are listed in brackets, equal ones once. */
export function invalid(kind: GroupKind, name: string, causes: readonly FieldError[]): StatusError {
  const head = `${qualify(kind, kind.kind)} ${goQuote(name)} is invalid`;
  return failure({
    code: 422,
    reason: 'Invalid',
    message: causes.length === 0 ? head : `${head}: ${aggregate(causes.map(formatFieldError))}`,
    details: {
      ...detailsOf(kind.group, kind.kind, name),
      ...(causes.length === 0 ? {} : { causes: causes.map(inWireOrder) }),
    },
  });
}

/** One message as it is; several, without repeats, as `[a, b]`. */
export function aggregate(messages: readonly string[]): string {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}

/** 422 without an object: a patch that cannot be applied. */
export function unprocessable(): StatusError {
  return failure({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  });
}

export function badRequest(message: string): StatusError {
  return failure({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(): StatusError {
  return failure({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** 403 with the authorizer's or an admission plugin's words; an empty resource names none. */
export function forbidden(resource: GroupResource, name: string, cause: string): StatusError {
  const qualified = qualify(resource, resource.plural);
  const subject = name === '' ? qualified : `${qualified} ${goQuote(name)}`;
  return failure({
    code: 403,
    reason: 'Forbidden',
    message: resource.plural === '' ? `forbidden: ${cause}` : `${subject} is forbidden: ${cause}`,
    details: detailsOf(resource.group, resource.plural, name),
  });
}

/** A method that the path does not take, as the router says it. */
export function methodNotAllowed(): StatusError {
  return failure({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

/** A verb that the storage of this resource does not have. */
export function methodNotSupported(resource: GroupResource, action: string): StatusError {
  return failure({
    code: 405,
    reason: 'MethodNotAllowed',
    message: `${action} is not supported on resources of kind ${goQuote(qualify(resource, resource.plural))}`,
    details: detailsOf(resource.group, resource.plural),
  });
}

export function gone(message: string): StatusError {
  return failure({ code: 410, reason: 'Gone', message });
}

/** 410 for a resourceVersion or continue token whose history is no longer kept. */
export function expired(message: string): StatusError {
  return failure({ code: 410, reason: 'Expired', message });
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return failure({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${accepted.join(', ')}`,
  });
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return failure({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  });
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return failure({ code: 429, reason: 'TooManyRequests', message, details: { retryAfterSeconds } });
}

export function tooLarge(message: string): StatusError {
  return failure({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: ${message}`,
  });
}

/** 504; `Timeout: ` is put before the message. */
export function timeout(message: string, details: StatusDetails = {}): StatusError {
  return failure({ code: 504, reason: 'Timeout', message: `Timeout: ${message}`, details });
}

/** 500 with the reason InternalError and the message repeated as a cause. */
export function internal(message: string): StatusError {
  return failure({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}

/** 500 with the bare message and no reason: what an error that is no Status becomes. */
export function unknownError(message: string): StatusError {
  return failure({ code: 500, reason: '', message });
}

export function serviceUnavailable(message: string): StatusError {
  return failure({ code: 503, reason: 'ServiceUnavailable', message });
}

/** 422 of an update without a resourceVersion, where the kind asks for one; names the resource as if it were a kind. */
export function missingResourceVersion(resource: GroupResource, name: string): StatusError {
  const cause = fieldInvalid('metadata.resourceVersion', 0, 'must be specified for an update');
  return invalid({ group: resource.group, kind: resource.plural }, name, [cause]);
}
