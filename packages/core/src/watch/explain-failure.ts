import { isApiError, isForbidden, isUnauthorized } from '../api/errors.js';
import { apiVersionOf, qualifiedName, type Resource } from '../api/resource.js';
import { messageOf } from '../kit/error.js';

/** Why a resource can't be listed or watched, and what to do about it, for the person who reads the log. */
export function explainFailure(resource: Resource, error: unknown): string {
  const advice = adviceFor(resource, error);
  return advice ? `${messageOf(error)}. ${advice}` : messageOf(error);
}

function adviceFor(resource: Resource, error: unknown): string | undefined {
  if (isForbidden(error)) {
    const { group, plural } = resource;
    return `Grant the rule { apiGroups: ["${group}"], resources: ["${plural}"], verbs: ["get", "list", "watch"] }.`;
  }
  // An unknown group answers 404 without a reason, an unknown resource with one.
  if (isApiError(error) && error.statusCode === 404) {
    const name = `${qualifiedName(resource)} in ${apiVersionOf(resource)}`;
    return `The API server does not serve ${name}: is its CustomResourceDefinition installed, and the namespace there?`;
  }
  if (isUnauthorized(error)) return 'The API server does not accept the credentials: are they expired?';
  return undefined;
}
