/** Who may do what: roles and their bindings, as they are stored. */
import type { JsonObject } from '../object/json.js';
import { isJsonObject } from '../object/json.js';
import { failure, forbidden } from '../object/status.js';
import type { StatusError } from '../object/status.js';
import { listAt, namespaceOf, textAt } from './meta.js';
import type { Storage } from './storage.js';
import type { User } from './write-context.js';

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface PathAttributes {
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

const isPath = (attributes: Attributes): attributes is PathAttributes => 'path' in attributes;

const group = 'rbac.authorization.k8s.io';
const openPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

export class Authorizer {
  readonly #storage: Storage;
  readonly #rbac: boolean;

  /** Without `rbac` every authenticated user may do everything. */
  constructor(storage: Storage, rbac: boolean) {
    this.#storage = storage;
    this.#rbac = rbac;
  }

  allows(user: User, attributes: Attributes): boolean {
    if (user.groups.includes('system:masters')) return true;
    if (isPath(attributes) && isOpen(attributes)) return true;
    if (!this.#rbac) return user.groups.includes('system:authenticated');
    return this.#rulesFor(user, isPath(attributes) ? '' : attributes.namespace).some((rule) =>
      covers(rule, attributes),
    );
  }

  /** @throws StatusError 403 in the words of the RBAC authorizer */
  assertAllowed(user: User, attributes: Attributes): void {
    if (!this.allows(user, attributes)) throw denial(user, attributes);
  }

  /** All rules that hold for the user in the namespace, and those that hold everywhere. */
  *#bindings(namespace: string): Generator<JsonObject> {
    for (const stored of this.#storage.collection(`${group}/clusterrolebindings`).list()) yield stored.object;
    if (namespace === '') return;
    for (const stored of this.#storage.collection(`${group}/rolebindings`).list(namespace))
      yield stored.object;
  }

  #rulesFor(user: User, namespace: string): readonly JsonObject[] {
    const rules: JsonObject[] = [];
    for (const binding of this.#bindings(namespace)) {
      const own = namespaceOf(binding);
      if (listAt(binding, 'subjects').some((subject) => isSubject(subject as JsonObject, user, own))) {
        rules.push(...this.#rulesOf(binding));
      }
    }
    return rules;
  }

  #rulesOf(binding: JsonObject): readonly JsonObject[] {
    const name = textAt(binding, 'roleRef', 'name');
    const clusterWide = textAt(binding, 'roleRef', 'kind') === 'ClusterRole';
    const role = clusterWide
      ? this.#storage.collection(`${group}/clusterroles`).get('', name)
      : this.#storage.collection(`${group}/roles`).get(namespaceOf(binding), name);
    return role === undefined ? [] : listAt(role.object, 'rules').filter(isJsonObject);
  }
}

function isOpen({ verb, path }: PathAttributes): boolean {
  return verb === 'get' && openPaths.includes(path);
}

function isSubject(subject: JsonObject, user: User, bindingNamespace: string): boolean {
  const name = textAt(subject, 'name');
  switch (textAt(subject, 'kind')) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = textAt(subject, 'namespace') || bindingNamespace;
      return user.name === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function covers(rule: JsonObject, attributes: Attributes): boolean {
  const lists = (field: string, value: string): boolean => {
    const items = listAt(rule, field);
    return items.includes('*') || items.includes(value);
  };
  if (!lists('verbs', attributes.verb)) return false;
  if (isPath(attributes))
    return listAt(rule, 'nonResourceURLs').some(
      (url) => typeof url === 'string' && matchesPath(url, attributes.path),
    );
  const { resource, subresource, name } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const named = listAt(rule, 'resourceNames');
  const resources = listAt(rule, 'resources');
  return (
    lists('apiGroups', attributes.group) &&
    (resources.includes('*') ||
      resources.includes(combined) ||
      (subresource !== '' && resources.includes(`*/${subresource}`))) &&
    (named.length === 0 || named.includes(name))
  );
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function denial(user: User, attributes: Attributes): StatusError {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if (isPath(attributes)) {
    return failure({
      code: 403,
      reason: 'Forbidden',
      message: `forbidden: ${who} path ${JSON.stringify(attributes.path)}`,
      details: {},
    });
  }
  const { resource, subresource, namespace, name } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const cause = `${who} resource ${JSON.stringify(combined)} in API group ${JSON.stringify(attributes.group)} ${where}`;
  return forbidden({ group: attributes.group, plural: resource }, name, cause);
}
