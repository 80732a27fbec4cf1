import {
  isAlreadyExists,
  isApiError,
  isConflict,
  isForbidden,
  isIncumbentError,
  isNotFound,
  isTooManyRequests,
  isUnauthorized,
  messageOf,
} from '@incumbent/core/client';

/** What went wrong with a Lease, and what to do about it, in a sentence or two. */
export function explain(
  error: unknown,
  verb: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  const what = `Lease ${namespace}/${name}`;
  if (isForbidden(error)) {
    return `${what}: RBAC denies "${verb}". Add to a Role in namespace ${namespace} that is bound to this replica: apiGroups ["coordination.k8s.io"], resources ["leases"], verbs ["${verb}"].`;
  }
  if (isUnauthorized(error))
    return `${what}: the server does not accept our credentials; they are read again before the next attempt.`;
  if (isNotFound(error)) return `${what}: not found; does namespace ${namespace} exist?`;
  if (isTooManyRequests(error))
    return `${what}: the server is overloaded and asks to wait ${error.retryAfter ?? 0} ms.`;
  if (isConflict(error) || isAlreadyExists(error))
    return `${what}: somebody else wrote it first; it is read again.`;
  return `${what}: ${messageOf(error).replace(/\.$/, '')}. ${remedyFor(error)}`.trimEnd();
}

function remedyFor(error: unknown): string {
  if (isApiError(error) && error.statusCode >= 500)
    return 'The server has a problem of its own: the attempt is repeated.';
  if (isIncumbentError(error, 'REQUEST_TIMEOUT'))
    return 'The attempt is repeated on a new connection; if this goes on, look for what keeps the server or the network.';
  if (isIncumbentError(error, 'REQUEST_FAILED')) return 'The attempt is repeated.';
  return '';
}

/** Milliseconds that the server wants to be left alone, or 0. */
export function retryAfter(error: unknown): number {
  return isApiError(error) ? (error.retryAfter ?? 0) : 0;
}
