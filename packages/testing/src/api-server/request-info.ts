/** What a request asks for, read from its method, path and query alone. */

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A request for an object or a collection, as `/apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE`. */
export interface ResourceRequest {
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
}

export interface RequestInfo {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Undefined for paths outside of the API groups, and for discovery. */
  readonly target: ResourceRequest | undefined;
}

interface Place {
  readonly group: string;
  readonly version: string;
  readonly rest: readonly string[];
}

/** Parts of the core group that hang below a namespace without being a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize']);

export function parseRequest(method: string, url: string): RequestInfo {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  return { method, path: pathname, query: searchParams, target: parseTarget(method, pathname, searchParams) };
}

function parseTarget(method: string, pathname: string, query: URLSearchParams): ResourceRequest | undefined {
  const place = parsePlace(splitPath(pathname));
  if (place === undefined || place.rest.length === 0) return undefined;
  const watchPrefix = place.rest[0] === 'watch' && place.rest.length > 1;
  const parts = watchPrefix ? place.rest.slice(1) : place.rest;
  const located = locate(parts, place.group);
  const verb = watchPrefix && method === 'GET' ? 'watch' : verbOf(method, located.name, asksForWatch(query));
  return {
    ...located,
    verb,
    group: place.group,
    version: place.version,
    name: located.name === '' && verb !== 'create' ? selectedName(query) : located.name,
  };
}

function splitPath(pathname: string): readonly string[] {
  return pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function parsePlace(parts: readonly string[]): Place | undefined {
  const [root, first, second] = parts;
  if (root === 'api' && first !== undefined) return { group: '', version: first, rest: parts.slice(2) };
  if (root !== 'apis' || first === undefined || second === undefined) return undefined;
  return { group: first, version: second, rest: parts.slice(3) };
}

function locate(parts: readonly string[], group: string) {
  const [first = '', namespace = '', third = ''] = parts;
  const inNamespace =
    first === 'namespaces' && parts.length > 2 && !(group === '' && namespaceSubresources.has(third));
  const [resource = '', name = '', ...subresource] = inNamespace ? parts.slice(2) : parts;
  // A namespace is, for the authorizer, an object inside itself.
  const own = !inNamespace && first === 'namespaces' && group === '' ? namespace : '';
  return {
    namespace: inNamespace ? namespace : own,
    resource,
    name,
    subresource: subresource.join('/'),
  };
}

/** Any value but these two asks for a watch. */
function asksForWatch(query: URLSearchParams): boolean {
  const value = query.get('watch');
  return value !== null && value !== 'false' && value !== '0';
}

function verbOf(method: string, name: string, watching: boolean): Verb {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      if (name !== '') return 'get';
      return watching ? 'watch' : 'list';
  }
}

/** A list or watch of one object by its name is authorized as a request for that object. */
function selectedName(query: URLSearchParams): string {
  return /(?:^|,)metadata\.name==?([^,!]+)(?:,|$)/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
}
