import { describe, expect, test } from '@jest/globals';
import { readFile, readdir } from 'node:fs/promises';
import { Event, Lease, type Resource } from '@incumbent/core';
import { Backup } from '@incumbent/examples';
import { crdManifest } from '@incumbent/examples/manifests';
import { parse } from 'yaml';

const DEPLOY = new URL('../deploy/base/', import.meta.url);

const read = async (file: string): Promise<string> => readFile(new URL(file, DEPLOY), 'utf8');
const manifest = async <T>(file: string): Promise<T> => parse(await read(file)) as T;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly serviceAccountName: string;
  readonly securityContext: { readonly runAsNonRoot: boolean };
  readonly containers: readonly {
    readonly env: readonly {
      readonly name: string;
      readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } };
    }[];
    readonly securityContext: {
      readonly readOnlyRootFilesystem: boolean;
      readonly allowPrivilegeEscalation: boolean;
    };
    readonly startupProbe: unknown;
    readonly livenessProbe: { readonly httpGet: { readonly path: string } };
    readonly readinessProbe: { readonly httpGet: { readonly path: string } };
  }[];
}

interface Request {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
}

const on = ({ group, plural }: Pick<Resource, 'group' | 'plural'>, ...verbs: string[]): Request[] =>
  verbs.map((verb) => ({ verb, group, resource: plural }));

/** What the operator asks of the server, in the namespaces of Backups and beside its Lease. */
const CLUSTER_REQUESTS = [
  // get: a reconciler's client may look past the cache.
  ...on(Backup, 'get', 'list', 'watch', 'patch'),
  ...on({ ...Backup, plural: `${Backup.plural}/status` }, 'update'),
  ...on(Event, 'create', 'patch'),
];

/** What the elector asks in the namespace of the Lease. A creation has no name that rules could tell. */
const LEASE_REQUESTS = [
  ...on(Lease, 'create'),
  ...on(Lease, 'get', 'watch', 'update').map((request) => ({ ...request, name: 'backup-controller' })),
];

const allows =
  ({ verb, group, resource, name }: Request) =>
  ({ apiGroups, resources, verbs, resourceNames }: Rule): boolean =>
    apiGroups.includes(group) &&
    resources.includes(resource) &&
    verbs.includes(verb) &&
    (resourceNames === undefined || resourceNames.includes(name ?? ''));

const permissionsOf = ({ apiGroups, resources, verbs }: Rule): string[] =>
  apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
  );

describe('deploy', () => {
  test('the CustomResourceDefinition is what the definition in the sources says: else run "npm run generate"', async () => {
    expect(await read('crd.yaml')).toBe(crdManifest());
  });

  test('the kustomization takes every manifest', async () => {
    const { resources } = await manifest<{ resources: string[] }>('kustomization.yaml');
    const files = (await readdir(DEPLOY)).filter(
      (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
    );
    expect(resources.toSorted()).toEqual(files.toSorted());
  });

  test('rules name what they allow: no wildcard, no secrets, no deletion', async () => {
    const rules = (
      await Promise.all(['role.yaml', 'cluster-role.yaml'].map((file) => manifest<{ rules: Rule[] }>(file)))
    ).flatMap((role) => role.rules);
    const words = rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);
    expect(
      words.filter((word) => word.includes('*') || ['secrets', 'delete', 'deletecollection'].includes(word)),
    ).toEqual([]);
    const backups = rules
      .filter(({ apiGroups }) => apiGroups.includes(Backup.group))
      .flatMap(({ resources }) => resources);
    expect(backups).toEqual([Backup.plural, `${Backup.plural}/status`]);
  });

  test.each([
    ['cluster-role.yaml', CLUSTER_REQUESTS],
    ['role.yaml', LEASE_REQUESTS],
  ])('%s allows each request that the operator sends, and no other', async (file, requests) => {
    const { rules } = await manifest<{ rules: Rule[] }>(file);
    expect(requests.filter((request) => !rules.some(allows(request)))).toEqual([]);
    expect(rules.flatMap(permissionsOf).toSorted()).toEqual(
      requests.map(({ verb, group, resource }) => `${verb} ${group}/${resource}`).toSorted(),
    );
  });

  test('a drain of the one node with the volume is not stopped half-way; with shared storage it takes one replica at a time', async () => {
    const { spec } = await manifest<{ spec: { maxUnavailable: unknown } }>('pod-disruption-budget.yaml');
    expect(spec.maxUnavailable).toBe('100%');
    const { patches } = await manifest<{ patches: { target: { kind: string }; patch: string }[] }>(
      '../overlays/shared-storage/kustomization.yaml',
    );
    const patch = patches.find(({ target }) => target.kind === 'PodDisruptionBudget')?.patch ?? '';
    expect(parse(patch)).toEqual([{ op: 'replace', path: '/spec/maxUnavailable', value: 1 }]);
  });

  test('the Lease is the only one that may be changed', async () => {
    const { rules } = await manifest<{ rules: Rule[] }>('role.yaml');
    expect(
      rules.filter(({ verbs }) => verbs.includes('update')).map(({ resourceNames }) => resourceNames),
    ).toEqual([['backup-controller']]);
  });

  test('pods know who they are, may not become root, and have the time to stop in order', async () => {
    const { spec } = await manifest<{ spec: { replicas: number; template: { spec: Pod } } }>(
      'deployment.yaml',
    );
    const pod = spec.template.spec;
    const [container] = pod.containers;
    expect(spec.replicas).toBe(3);
    expect(container?.env.map(({ name, valueFrom }) => [name, valueFrom.fieldRef.fieldPath])).toEqual([
      ['POD_NAME', 'metadata.name'],
      ['POD_NAMESPACE', 'metadata.namespace'],
      ['POD_UID', 'metadata.uid'],
    ]);
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(container?.securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
    });
    expect(container?.livenessProbe.httpGet.path).toBe('/livez');
    expect(container?.readinessProbe.httpGet.path).toBe('/readyz');
    // The operator's own grace is 20 s; the release, Events and sockets come after it.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(40);
  });
});
