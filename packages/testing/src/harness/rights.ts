/** Rights for users of the environment: a role, its binding, and the moment from which they hold. */
import type { Access } from '../control-plane/access.js';
import { TestServerError } from '../control-plane/error.js';
import { create } from './api.js';
import { eventually } from './eventually.js';

/** One rule of a Role or a ClusterRole. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Grant {
  readonly user: string;
  readonly rules: readonly PolicyRule[];
  /** Where the rules hold. @defaultValue everywhere */
  readonly namespace?: string | undefined;
}

interface Named {
  readonly metadata: { readonly name: string };
}

const group = 'rbac.authorization.k8s.io';
const generated = { metadata: { generateName: 'test-' } };

/** Resolves when the API server lets the user do it: the real one learns of roles a moment after they are written. */
export async function grant(admin: Access, { user, rules, namespace }: Grant): Promise<void> {
  const [first] = rules;
  if (!first) return;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const path = `/apis/${group}/v1${scope}/${kind.toLowerCase()}`;
  const role = await create<Named>(admin, `${path}s`, { ...generated, rules });
  await create(admin, `${path}bindings`, {
    ...generated,
    roleRef: { apiGroup: group, kind, name: role.metadata.name },
    subjects: [{ apiGroup: group, kind: 'User', name: user }],
  });
  await eventually(() => assertAllowed(admin, { user, ...question(first, namespace) }), {
    what: `${user} to be granted ${JSON.stringify(first)}`,
    timeout: 10_000,
  });
}

async function assertAllowed(admin: Access, spec: object): Promise<void> {
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = await create<{ status: { allowed: boolean } }>(admin, path, { spec });
  if (!status.allowed) throw new TestServerError('GRANT_NOT_SEEN', 'The API server does not allow it.');
}

/** Asks for one thing that the rule allows. */
function question(rule: PolicyRule, namespace: string | undefined): object {
  const [verb] = rule.verbs;
  const [path] = rule.nonResourceURLs ?? [];
  if (path !== undefined) return { nonResourceAttributes: { verb, path: path.replace(/\*$/, '') } };
  const [resource, subresource] = (rule.resources?.[0] ?? '').split('/');
  const name = rule.resourceNames?.[0];
  return {
    resourceAttributes: { verb, group: rule.apiGroups?.[0], resource, subresource, namespace, name },
  };
}
