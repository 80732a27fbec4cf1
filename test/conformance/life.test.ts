import { expect, test } from '@jest/globals';
import { causesOf, configMap, coreV1, failure, metaOf, namesOf, patchTypes, shown } from './objects.js';
import type { JsonObject, RawAnswer } from './raw-http.js';
import { describeOnServers } from './servers.js';

const apps = (ns: string, name = ''): string =>
  `/apis/apps/v1/namespaces/${ns}/deployments${name === '' ? '' : `/${name}`}`;
const jobs = (ns: string, name = ''): string =>
  `/apis/batch/v1/namespaces/${ns}/jobs${name === '' ? '' : `/${name}`}`;

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', image: 'i' }] } };
const deployment = (name: string, metadata: object = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, ...metadata },
  spec: { selector: { matchLabels: { app: 'a' } }, template },
});
const job = (name: string): JsonObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'i' }] } } },
});
const pod = (name: string, spec: object = { containers: [{ name: 'a', image: 'i' }] }): JsonObject =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }) as JsonObject;

const hold = { finalizers: ['example.com/hold'] };

describeOnServers('the life of objects', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);
  const merge = async (path: string, body: object): Promise<RawAnswer> =>
    call('PATCH', path, { body, contentType: patchTypes.merge });
  const given = async (metadata: object = {}): Promise<string> => {
    const ns = await server.namespace();
    await call('POST', coreV1(ns, 'configmaps'), { body: configMap('a', { metadata }) });
    return coreV1(ns, 'configmaps', 'a');
  };

  test('a Deployment begins with generation 1 and an empty status, whatever the client says', async () => {
    const ns = await server.namespace();
    const body = { ...deployment('d', { generation: 7 }), status: { replicas: 9 } };
    const answer = await call('POST', apps(ns), { body });
    expect(metaOf(answer.body)['generation']).toBe(1);
    expect(answer.body['status']).toEqual({});
  });

  test('the generation counts changes of the spec, not of labels or status', async () => {
    const ns = await server.namespace();
    await call('POST', apps(ns), { body: deployment('d') });
    const generation = (answer: RawAnswer): unknown => metaOf(answer.body)['generation'];
    expect(generation(await merge(apps(ns, 'd'), { metadata: { labels: { a: 'b' } } }))).toBe(1);
    expect(generation(await merge(apps(ns, 'd'), { spec: { replicas: 2 } }))).toBe(2);
    expect(generation(await merge(`${apps(ns, 'd')}/status`, { status: { replicas: 1 } }))).toBe(2);
    expect(generation(await merge(apps(ns, 'd'), { status: { replicas: 5 } }))).toBe(2);
  });

  test('status is written through its own path only', async () => {
    const ns = await server.namespace();
    await call('POST', apps(ns), { body: deployment('d') });
    const direct = await merge(apps(ns, 'd'), { status: { replicas: 5 } });
    expect(direct.body['status']).toEqual({});
    const through = await merge(`${apps(ns, 'd')}/status`, {
      status: { replicas: 1 },
      spec: { replicas: 9 },
    });
    expect(through.body).toMatchObject({ status: { replicas: 1 }, spec: { replicas: 1 } });
  });

  test('a PUT of the status replaces it, and wants the version that is stored', async () => {
    const ns = await server.namespace();
    const { body } = await call('POST', apps(ns), { body: deployment('d') });
    const path = `${apps(ns, 'd')}/status`;
    const status = { ...body, status: { replicas: 2, observedGeneration: 1 } };
    expect((await call('PUT', path, { body: status })).body['status']).toEqual({
      replicas: 2,
      observedGeneration: 1,
    });
    expect((await call('PUT', path, { body: { ...status, status: {} } })).status).toBe(409);
  });

  test('a ConfigMap has no status path: 404', async () => {
    const path = await given();
    expect((await call('GET', `${path}/status`)).status).toBe(404);
  });

  test('scale shows and changes the replicas of a Deployment', async () => {
    const ns = await server.namespace();
    await call('POST', apps(ns), { body: deployment('d') });
    const { body } = await call('GET', `${apps(ns, 'd')}/scale`);
    expect(body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=a' },
    });
    await merge(`${apps(ns, 'd')}/scale`, { spec: { replicas: 4 } });
    const { body: scaled } = await call('GET', apps(ns, 'd'));
    expect(scaled).toMatchObject({ spec: { replicas: 4 }, metadata: { generation: 2 } });
  });

  test('defaults are filled in, and belong to nobody but the writer', async () => {
    const ns = await server.namespace();
    const { body } = await call('POST', apps(ns), { body: deployment('d') });
    expect(body['spec']).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' } },
    });
  });

  test('a selector cannot change: 422', async () => {
    const ns = await server.namespace();
    await call('POST', apps(ns), { body: deployment('d') });
    const answer = await call('PATCH', apps(ns, 'd'), {
      body: [
        { op: 'add', path: '/spec/selector/matchLabels/b', value: 'c' },
        { op: 'add', path: '/spec/template/metadata/labels/b', value: 'c' },
      ],
      contentType: patchTypes.json,
    });
    expect(answer.status).toBe(422);
    expect(causesOf(answer.body)).toMatchObject([{ field: 'spec.selector' }]);
  });

  for (const [claim, spec, causes] of [
    [
      'a container without an image',
      { containers: [{ name: 'a' }] },
      ['spec.containers[0].image: Required value'],
    ],
    ['no containers', { containers: [] }, ['spec.containers: Required value']],
    [
      'two containers of one name',
      {
        containers: [
          { name: 'a', image: 'i' },
          { name: 'a', image: 'i' },
        ],
      },
      ['spec.containers[1].name: Duplicate value: "a"'],
    ],
    [
      'a restart policy that is none',
      { containers: [{ name: 'a', image: 'i' }], restartPolicy: 'Sometimes' },
      [
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
      ],
    ],
    [
      'a container with a bad name',
      { containers: [{ name: 'Bad_Name', image: 'i' }] },
      [
        `spec.containers[0].name: Invalid value: "Bad_Name": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
      ],
    ],
  ] as const) {
    test(`a Pod with ${claim}: 422`, async () => {
      const ns = await server.namespace();
      const answer = await call('POST', coreV1(ns, 'pods'), { body: pod('p', spec) });
      expect(answer.status).toBe(422);
      const found = causesOf(answer.body).map((one) => `${shown(one['field'])}: ${shown(one['message'])}`);
      expect(found).toEqual(causes);
    });
  }

  test('a Pod waits: its phase is Pending; its containers cannot be exchanged but for their images', async () => {
    const ns = await server.namespace();
    const { body } = await call('POST', coreV1(ns, 'pods'), { body: pod('p') });
    expect(body['status']).toMatchObject({ phase: 'Pending' });
    const path = coreV1(ns, 'pods', 'p');
    const image = await call('PATCH', path, {
      body: { spec: { containers: [{ name: 'a', image: 'j' }] } },
      contentType: patchTypes.strategic,
    });
    expect(image.status).toBe(200);
    const refused = await merge(path, { spec: { restartPolicy: 'Never' } });
    expect(refused.status).toBe(422);
  });

  test('a ConfigMap holds a key as text or as bytes, not both: 422', async () => {
    const ns = await server.namespace();
    const body = { ...configMap('a', { data: { k: 'v' } }), binaryData: { k: 'dg==' } };
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body });
    expect(causesOf(answer.body)).toEqual([
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: "k": duplicate of key present in binaryData',
        field: 'data[k]',
      },
    ]);
  });

  test('what is immutable stays as it is: 422', async () => {
    const ns = await server.namespace();
    const body = { ...configMap('a', { data: { k: 'v' } }), immutable: true };
    await call('POST', coreV1(ns, 'configmaps'), { body });
    const answer = await merge(coreV1(ns, 'configmaps', 'a'), { data: { k: 'w' } });
    expect(causesOf(answer.body)).toEqual([
      {
        reason: 'FieldValueForbidden',
        message: 'Forbidden: field is immutable when `immutable` is set',
        field: 'data',
      },
    ]);
  });

  test('a Secret’s stringData ends up in its data, in base64', async () => {
    const ns = await server.namespace();
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      stringData: { a: 'text' },
      data: { b: 'Yg==' },
    };
    const answer = await call('POST', coreV1(ns, 'secrets'), { body });
    expect(answer.body).toMatchObject({ type: 'Opaque', data: { a: 'dGV4dA==', b: 'Yg==' } });
    expect(answer.body).not.toHaveProperty('stringData');
  });

  test('deleting what waits for a finalizer again changes nothing', async () => {
    const path = await given(hold);
    const first = await call('DELETE', path);
    const second = await call('DELETE', path);
    expect(second.status).toBe(200);
    expect(metaOf(second.body).resourceVersion).toBe(metaOf(first.body).resourceVersion);
  });

  test('what waits for a finalizer can still be changed', async () => {
    const path = await given(hold);
    await call('DELETE', path);
    expect((await merge(path, { data: { k: 'v' } })).body['data']).toEqual({ k: 'v' });
  });

  test('nobody sets or takes back a deletionTimestamp', async () => {
    const path = await given(hold);
    const set = await merge(path, { metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } });
    expect(metaOf(set.body)['deletionTimestamp']).toBeUndefined();
    await call('DELETE', path);
    const { body } = await merge(path, { metadata: { deletionTimestamp: null } });
    expect(metaOf(body)['deletionTimestamp']).toEqual(expect.any(String));
  });

  test('terminating raises the generation of a Deployment', async () => {
    const ns = await server.namespace();
    await call('POST', apps(ns), { body: deployment('d', hold) });
    const answer = await call('DELETE', apps(ns, 'd'));
    expect(metaOf(answer.body)).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0 });
  });

  for (const [policy, finalizers] of [
    ['Orphan', ['orphan']],
    ['Foreground', ['foregroundDeletion']],
  ] as const) {
    test(`propagation ${policy} leaves the object with a finalizer, if nobody collects garbage`, async () => {
      const path = await given();
      const answer = await call('DELETE', path, { body: { propagationPolicy: policy } });
      expect(answer.status).toBe(200);
      expect(metaOf(answer.body)).toMatchObject({ finalizers, deletionTimestamp: expect.any(String) });
      expect((await call('GET', path)).status).toBe(200);
    });
  }

  for (const query of ['?propagationPolicy=Background', '?orphanDependents=false', '']) {
    test(`a deletion with "${query}" removes at once`, async () => {
      const path = await given();
      expect((await call('DELETE', `${path}${query}`)).body).toMatchObject({ status: 'Success' });
      expect((await call('GET', path)).status).toBe(404);
    });
  }

  test('orphanDependents=true is an older word for Orphan', async () => {
    const path = await given();
    const answer = await call('DELETE', `${path}?orphanDependents=true`);
    expect(metaOf(answer.body)['finalizers']).toEqual(['orphan']);
  });

  test('a background deletion removes what waits in foreground deletion', async () => {
    const path = await given();
    await call('DELETE', path, { body: { propagationPolicy: 'Foreground' } });
    await call('DELETE', path, { body: { propagationPolicy: 'Background' } });
    expect((await call('GET', path)).status).toBe(404);
  });

  test('propagationPolicy and orphanDependents exclude each other: 422', async () => {
    const path = await given();
    const body = { propagationPolicy: 'Orphan', orphanDependents: true };
    for (const answer of [
      await call('DELETE', path, { body }),
      await call('DELETE', `${path}?propagationPolicy=Orphan&orphanDependents=true`),
    ]) {
      expect(answer.body).toEqual(
        failure(
          422,
          'Invalid',
          'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
          {
            group: 'meta.k8s.io',
            kind: 'DeleteOptions',
            causes: [
              {
                reason: 'FieldValueInvalid',
                message:
                  'Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
                field: 'propagationPolicy',
              },
            ],
          },
        ),
      );
    }
  });

  test('a propagation policy that is none: 422', async () => {
    const path = await given();
    const answer = await call('DELETE', path, { body: { propagationPolicy: 'Sideways' } });
    expect(causesOf(answer.body)).toMatchObject([
      { reason: 'FieldValueNotSupported', field: 'propagationPolicy' },
    ]);
  });

  test('a Job’s dependents are orphaned by default, with a warning', async () => {
    const ns = await server.namespace();
    await call('POST', jobs(ns), { body: job('j') });
    const answer = await call('DELETE', jobs(ns, 'j'));
    expect(metaOf(answer.body)['finalizers']).toContain('orphan');
    expect(answer.headers['warning']).toBe(
      '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning"',
    );
  });

  test('a Job selects its pods by its own uid', async () => {
    const ns = await server.namespace();
    const { body } = await call('POST', jobs(ns), { body: job('j') });
    const { uid } = metaOf(body);
    expect(body['spec']).toMatchObject({
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { metadata: { labels: { 'batch.kubernetes.io/job-name': 'j', 'job-name': 'j' } } },
    });
  });

  test('a deletion of a Pod answers the Pod, a deletion of a ConfigMap a Status', async () => {
    const ns = await server.namespace();
    await call('POST', coreV1(ns, 'pods'), { body: pod('p') });
    const answer = await call('DELETE', coreV1(ns, 'pods', 'p'));
    expect(answer.body).toMatchObject({ kind: 'Pod', metadata: { name: 'p' } });
    expect((await call('GET', coreV1(ns, 'pods', 'p'))).status).toBe(404);
    expect((await call('DELETE', await given())).body['kind']).toBe('Status');
  });

  test('a deletion with resourceVersion and uid of the object itself goes through', async () => {
    const path = await given();
    const { uid, resourceVersion } = metaOf((await call('GET', path)).body);
    const answer = await call('DELETE', path, { body: { preconditions: { uid, resourceVersion } } });
    expect(answer.status).toBe(200);
  });

  test('a dry run of a deletion leaves the object', async () => {
    const path = await given();
    expect((await call('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    expect((await call('DELETE', path, { body: { dryRun: ['All'] } })).status).toBe(200);
    expect((await call('GET', path)).status).toBe(200);
  });

  for (const [claim, query] of [
    ['dryRun that is not All', '?dryRun=Some'],
    ['fieldValidation that is none', '?fieldValidation=Lenient'],
  ] as const) {
    test(`${claim}: 422`, async () => {
      const ns = await server.namespace();
      const answer = await call('POST', `${coreV1(ns, 'configmaps')}${query}`, { body: configMap('a') });
      expect(answer.body).toMatchObject({
        code: 422,
        details: { kind: 'CreateOptions', group: 'meta.k8s.io' },
      });
    });
  }

  test('a dry run of an update, a patch and an apply stores nothing', async () => {
    const path = await given();
    const { body } = await call('GET', path);
    for (const answer of [
      await call('PUT', `${path}?dryRun=All`, { body: { ...body, data: { k: 'v' } } }),
      await call('PATCH', `${path}?dryRun=All`, {
        body: { data: { k: 'v' } },
        contentType: patchTypes.merge,
      }),
      await call('PATCH', `${path}?dryRun=All&fieldManager=m`, {
        body: configMap('a', { data: { k: 'v' } }),
        contentType: patchTypes.apply,
      }),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.body['data']).toEqual({ k: 'v' });
    }
    expect((await call('GET', path)).body).toEqual(body);
  });

  test('owner references are kept as they are, and owners need not exist', async () => {
    const ns = await server.namespace();
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u', controller: true };
    const metadata = { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] };
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body: configMap('a', { metadata }) });
    expect(metaOf(answer.body)['ownerReferences']).toEqual(metadata.ownerReferences);
  });

  for (const [claim, references, cause] of [
    [
      'two controllers',
      [
        { apiVersion: 'v1', kind: 'A', name: 'a', uid: '1', controller: true },
        { apiVersion: 'v1', kind: 'A', name: 'b', uid: '2', controller: true },
      ],
      'metadata.ownerReferences',
    ],
    ['no uid', [{ apiVersion: 'v1', kind: 'A', name: 'a' }], 'metadata.ownerReferences[0].uid'],
    ['no name', [{ apiVersion: 'v1', kind: 'A', uid: 'a' }], 'metadata.ownerReferences[0].name'],
    ['no kind', [{ apiVersion: 'v1', name: 'a', uid: 'a' }], 'metadata.ownerReferences[0].kind'],
  ] as const) {
    test(`owner references with ${claim}: 422`, async () => {
      const ns = await server.namespace();
      const body = configMap('a', { metadata: { ownerReferences: references } });
      const answer = await call('POST', coreV1(ns, 'configmaps'), { body });
      expect(answer.status).toBe(422);
      expect(causesOf(answer.body)).toMatchObject([{ field: cause }]);
    });
  }

  test('a namespace is Active and carries its name as a label', async () => {
    const ns = await server.namespace();
    const { body } = await call('GET', `/api/v1/namespaces/${ns}`);
    expect(body).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': ns } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  test('a namespace that is deleted is Terminating, and takes nothing new: 403', async () => {
    const ns = await server.namespace();
    await call('POST', coreV1(ns, 'configmaps'), { body: configMap('old') });
    const answer = await call('DELETE', `/api/v1/namespaces/${ns}`);
    expect(answer.body).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
    const refused = await call('POST', coreV1(ns, 'configmaps'), { body: configMap('new') });
    expect(refused.body).toEqual(
      failure(
        403,
        'Forbidden',
        `configmaps "new" is forbidden: unable to create new content in namespace ${ns} because it is being terminated`,
        {
          name: 'new',
          kind: 'configmaps',
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${ns} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      ),
    );
    expect((await merge(coreV1(ns, 'configmaps', 'old'), { data: { k: 'v' } })).status).toBe(200);
    expect((await call('DELETE', coreV1(ns, 'configmaps', 'old'))).status).toBe(200);
  });

  for (const name of ['default', 'kube-system']) {
    test(`the namespace ${name} cannot be deleted: 403`, async () => {
      const answer = await call('DELETE', `/api/v1/namespaces/${name}`);
      expect(answer.body).toMatchObject({
        code: 403,
        message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      });
    });
  }

  test('an Event of one group is an Event of the other', async () => {
    const ns = await server.namespace();
    const eventsOf = (name = ''): string => `/apis/events.k8s.io/v1/namespaces/${ns}/events${name}`;
    const regarding = { kind: 'ConfigMap', namespace: ns, name: 'a', apiVersion: 'v1' };
    const created = await call('POST', eventsOf(), {
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'e' },
        eventTime: '2026-01-01T00:00:00.000001Z',
        regarding,
        reason: 'Created',
        note: 'hello',
        type: 'Normal',
        action: 'Create',
        reportingController: 'example.com/c',
        reportingInstance: 'c-1',
      },
    });
    expect(created.status).toBe(201);
    const { body } = await call('GET', coreV1(ns, 'events', 'e'));
    expect(body).toMatchObject({
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: regarding,
      message: 'hello',
      reason: 'Created',
      eventTime: '2026-01-01T00:00:00.000001Z',
      reportingComponent: 'example.com/c',
      reportingInstance: 'c-1',
    });
    await merge(coreV1(ns, 'events', 'e'), {
      series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' },
    });
    expect((await call('GET', eventsOf('/e'))).body).toMatchObject({ series: { count: 2 } });
  });

  test('Events can be selected by what they are about', async () => {
    const ns = await server.namespace();
    const event = (name: string, about: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name },
      involvedObject: { kind: 'ConfigMap', namespace: ns, name: about },
      reason: 'Seen',
      message: 'm',
      type: 'Normal',
    });
    await call('POST', coreV1(ns, 'events'), { body: event('e1', 'a') });
    await call('POST', coreV1(ns, 'events'), { body: event('e2', 'b') });
    const found = await call('GET', `${coreV1(ns, 'events')}?fieldSelector=involvedObject.name%3Db`);
    expect(namesOf(found.body)).toEqual(['e2']);
  });

  test('an Event of another namespace than that of its object: 422', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'events'), {
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e' },
        involvedObject: { kind: 'ConfigMap', namespace: 'default', name: 'a' },
      },
    });
    expect(causesOf(answer.body)).toMatchObject([{ field: 'involvedObject.namespace' }]);
  });

  test('a PUT creates an Event that is not there, but no ConfigMap, ServiceAccount or Job', async () => {
    const ns = await server.namespace();
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'ConfigMap', namespace: ns, name: 'a' },
    };
    expect((await call('PUT', coreV1(ns, 'events', 'e'), { body: event })).status).toBe(201);
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' } };
    expect((await call('PUT', coreV1(ns, 'configmaps', 'x'), { body: configMap('x') })).status).toBe(404);
    expect((await call('PUT', coreV1(ns, 'serviceaccounts', 'x'), { body: account })).status).toBe(404);
    expect((await call('PUT', jobs(ns, 'x'), { body: job('x') })).status).toBe(404);
  });

  test('a garbage resourceVersion of an update: 500; of a creation: accepted', async () => {
    const path = await given();
    const body = configMap('a', { metadata: { resourceVersion: 'abc' } });
    expect((await call('PUT', path, { body })).status).toBe(500);
    const collection = path.slice(0, path.lastIndexOf('/'));
    const created = await call('POST', collection, {
      body: configMap('b', { metadata: { resourceVersion: 'abc' } }),
    });
    expect(created.status).toBe(201);
  });
});
