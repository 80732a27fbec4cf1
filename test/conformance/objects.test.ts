import { expect, test } from '@jest/globals';
import { configMap, coreV1, failure, lease, leases, metaOf } from './objects.js';
import type { JsonObject, RawAnswer } from './raw-http.js';
import { describeOnServers } from './servers.js';

describeOnServers('objects', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);
  const create = async (path: string, body: JsonObject): Promise<JsonObject> => {
    const answer = await call('POST', path, { body });
    expect(answer.status).toBe(201);
    return answer.body;
  };

  test('a created object is answered with 201, uid, resourceVersion and creationTimestamp', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('a', { data: { k: 'v' } }),
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.body).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {
        name: 'a',
        namespace: ns,
        uid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
        creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
      data: { k: 'v' },
    });
  });

  test('what the client says of uid, creationTimestamp and generation of a new object is ignored', async () => {
    const ns = await server.namespace();
    const metadata = { uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', generation: 7 };
    const meta = metaOf(await create(coreV1(ns, 'configmaps'), configMap('a', { metadata })));
    expect(meta.uid).not.toBe('mine');
    expect(meta['creationTimestamp']).not.toBe('2001-01-01T00:00:00Z');
  });

  test('the writer is remembered as the field manager that its query, or its user agent, names', async () => {
    const ns = await server.namespace();
    const named = await call('POST', `${coreV1(ns, 'configmaps')}?fieldManager=me`, {
      body: configMap('a', { data: { k: 'v' } }),
    });
    expect(metaOf(named.body)['managedFields']).toEqual([
      {
        manager: 'me',
        operation: 'Update',
        apiVersion: 'v1',
        time: expect.any(String),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { '.': {}, 'f:k': {} } },
      },
    ]);
    const agent = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('b'),
      headers: { 'user-agent': 'tool/v1 (linux)' },
    });
    const entries = metaOf(agent.body)['managedFields'] as readonly JsonObject[] | undefined;
    expect((entries ?? []).map((entry) => entry['manager'])).toEqual([]);
    const withData = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('c', { data: { k: 'v' } }),
      headers: { 'user-agent': 'tool/v1 (linux)' },
    });
    expect(metaOf(withData.body)['managedFields']).toMatchObject([{ manager: 'tool' }]);
  });

  test('an object that is not there: 404, NotFound, details with the resource', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', coreV1(ns, 'configmaps', 'absent'));
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(
      failure(404, 'NotFound', 'configmaps "absent" not found', { name: 'absent', kind: 'configmaps' }),
    );
  });

  test('a resource of a group is named with it in errors', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', leases(ns, 'absent'));
    expect(answer.body).toEqual(
      failure(404, 'NotFound', 'leases.coordination.k8s.io "absent" not found', {
        name: 'absent',
        group: 'coordination.k8s.io',
        kind: 'leases',
      }),
    );
  });

  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    test(`${method} of an object that is not there: 404`, async () => {
      const ns = await server.namespace();
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const body = method === 'PUT' ? configMap('absent') : {};
      const answer = await call(method, coreV1(ns, 'configmaps', 'absent'), { body, contentType });
      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({
        reason: 'NotFound',
        details: { name: 'absent', kind: 'configmaps' },
      });
    });
  }

  test('creating what exists: 409, AlreadyExists', async () => {
    const ns = await server.namespace();
    await create(coreV1(ns, 'configmaps'), configMap('a'));
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body: configMap('a') });
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual(
      failure(409, 'AlreadyExists', 'configmaps "a" already exists', { name: 'a', kind: 'configmaps' }),
    );
  });

  test('creating in a namespace that is not there: 404 of the namespace', async () => {
    const answer = await call('POST', coreV1('absent', 'configmaps'), { body: configMap('a') });
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(
      failure(404, 'NotFound', 'namespaces "absent" not found', { name: 'absent', kind: 'namespaces' }),
    );
  });

  test('reading and listing in a namespace that is not there finds nothing, without an error about it', async () => {
    expect((await call('GET', coreV1('absent', 'configmaps'))).body).toMatchObject({
      kind: 'ConfigMapList',
      items: [],
    });
    expect((await call('GET', coreV1('absent', 'configmaps', 'a'))).body).toMatchObject({
      details: { kind: 'configmaps' },
    });
  });

  test('a name that is not one: 422, Invalid, with the field and the rule', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body: configMap('Not_A_Name') });
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(
      failure(
        422,
        'Invalid',
        expect.stringMatching(
          /^ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": /,
        ),
        {
          name: 'Not_A_Name',
          kind: 'ConfigMap',
          causes: [
            {
              reason: 'FieldValueInvalid',
              message: expect.stringMatching(
                /^Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of/,
              ),
              field: 'metadata.name',
            },
          ],
        },
      ),
    );
  });

  test('no name at all: 422, name or generateName is required', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} },
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(
      failure(
        422,
        'Invalid',
        'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
        {
          kind: 'ConfigMap',
          causes: [
            {
              reason: 'FieldValueRequired',
              message: 'Required value: name or generateName is required',
              field: 'metadata.name',
            },
          ],
        },
      ),
    );
  });

  test('a namespace that contradicts the path: 400', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('a', { metadata: { namespace: 'other' } }),
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      reason: 'BadRequest',
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    });
  });

  test('a name that contradicts the path: 400', async () => {
    const ns = await server.namespace();
    await create(coreV1(ns, 'configmaps'), configMap('a'));
    const answer = await call('PUT', coreV1(ns, 'configmaps', 'a'), { body: configMap('b') });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      reason: 'BadRequest',
      message: 'the name of the object (b) does not match the name on the URL (a)',
    });
  });

  test('a kind that contradicts the path: 400', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), {
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } },
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      reason: 'BadRequest',
      message:
        'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    });
  });

  test('a body that is not JSON: 400', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body: '{"kind":' });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ reason: 'BadRequest', status: 'Failure' });
  });

  test('a field of the wrong type: 400', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', leases(ns), { body: lease('a', { leaseDurationSeconds: 'many' }) });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      reason: 'BadRequest',
      message: expect.stringContaining('leaseDurationSeconds'),
    });
  });

  test('a content type that the server does not read: 415', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body: 'x', contentType: 'text/plain' });
    expect(answer.status).toBe(415);
    expect(answer.body).toMatchObject({ reason: 'UnsupportedMediaType', code: 415 });
  });

  test('a group that nobody serves: 404 in plain text', async () => {
    const answer = await call('GET', '/apis/nobody.example/v1/things');
    expect(answer.status).toBe(404);
    expect(answer.text).toBe('404 page not found\n');
  });

  test('a resource that its group does not have: 404 with a Status', async () => {
    const answer = await call('GET', '/api/v1/namespaces/default/things');
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(
      failure(404, 'NotFound', 'the server could not find the requested resource', {}),
    );
  });

  for (const [method, path] of [
    ['PUT', '/api/v1/namespaces/default/configmaps'],
    ['POST', '/api/v1/namespaces/default/configmaps/a'],
  ] as const) {
    test(`${method} ${path}: 405, MethodNotAllowed`, async () => {
      const answer = await call(method, path, { body: configMap('a') });
      expect(answer.status).toBe(405);
      expect(answer.body).toMatchObject({ reason: 'MethodNotAllowed', code: 405 });
    });
  }

  test('generateName gets five characters, and the name is not in generateName’s way', async () => {
    const ns = await server.namespace();
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'pre-' } };
    const first = metaOf(await create(coreV1(ns, 'configmaps'), body));
    const second = metaOf(await create(coreV1(ns, 'configmaps'), body));
    expect(first.name).toMatch(/^pre-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(first['generateName']).toBe('pre-');
    expect(second.name).not.toBe(first.name);
    const both = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'pre-', name: 'given' } };
    expect(metaOf(await create(coreV1(ns, 'configmaps'), both)).name).toBe('given');
  });

  test('a generateName that is too long is cut so that the name fits', async () => {
    const ns = await server.namespace();
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x'.repeat(100) } };
    expect(metaOf(await create(coreV1(ns, 'configmaps'), body)).name).toHaveLength(63);
  });

  test('an update with the current resourceVersion is answered with a new one, uid and creationTimestamp kept', async () => {
    const ns = await server.namespace();
    const before = await create(leases(ns), lease('a'));
    const body = { ...before, spec: { holderIdentity: 'b' } };
    const answer = await call('PUT', leases(ns, 'a'), { body });
    expect(answer.status).toBe(200);
    expect(metaOf(answer.body).resourceVersion).not.toBe(metaOf(before).resourceVersion);
    expect(metaOf(answer.body)).toMatchObject({
      uid: metaOf(before).uid,
      creationTimestamp: metaOf(before)['creationTimestamp'],
    });
  });

  test('an update with a stale resourceVersion: 409, Conflict, and nothing is changed', async () => {
    const ns = await server.namespace();
    const before = await create(leases(ns), lease('a'));
    await call('PUT', leases(ns, 'a'), { body: { ...before, spec: { holderIdentity: 'b' } } });
    const answer = await call('PUT', leases(ns, 'a'), { body: { ...before, spec: { holderIdentity: 'c' } } });
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual(
      failure(
        409,
        'Conflict',
        'Operation cannot be fulfilled on leases.coordination.k8s.io "a": the object has been modified; please apply your changes to the latest version and try again',
        { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
      ),
    );
    expect((await call('GET', leases(ns, 'a'))).body).toMatchObject({ spec: { holderIdentity: 'b' } });
  });

  test('of ten racing updates of one version, exactly one succeeds', async () => {
    const ns = await server.namespace();
    const before = await create(leases(ns), lease('a'));
    const racers = Array.from({ length: 10 }, async (_, index) =>
      call('PUT', leases(ns, 'a'), { body: { ...before, spec: { holderIdentity: `racer-${index}` } } }),
    );
    const statuses = (await Promise.all(racers)).map(({ status }) => status).sort((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
  });

  test('of ten racing creations of one name, exactly one succeeds', async () => {
    const ns = await server.namespace();
    const racers = Array.from({ length: 10 }, async (_, index) =>
      call('POST', leases(ns), { body: lease('a', { holderIdentity: `racer-${index}` }) }),
    );
    const statuses = (await Promise.all(racers)).map(({ status }) => status).sort((a, b) => a - b);
    expect(statuses).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });

  test('a Lease update without a resourceVersion: 422, must be specified', async () => {
    const ns = await server.namespace();
    await create(leases(ns), lease('a'));
    const answer = await call('PUT', leases(ns, 'a'), { body: lease('a', { holderIdentity: 'b' }) });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      reason: 'Invalid',
      details: {
        causes: [
          {
            field: 'metadata.resourceVersion',
            message: expect.stringContaining('must be specified for an update'),
          },
        ],
      },
    });
  });

  test('a ConfigMap update without a resourceVersion overwrites', async () => {
    const ns = await server.namespace();
    await create(coreV1(ns, 'configmaps'), configMap('a', { data: { k: '1' } }));
    const answer = await call('PUT', coreV1(ns, 'configmaps', 'a'), {
      body: configMap('a', { data: { k: '2' } }),
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ data: { k: '2' } });
  });

  test('an update that changes nothing keeps the resourceVersion', async () => {
    const ns = await server.namespace();
    const before = await create(coreV1(ns, 'configmaps'), configMap('a', { data: { k: '1' } }));
    const answer = await call('PUT', coreV1(ns, 'configmaps', 'a'), { body: before });
    expect(answer.status).toBe(200);
    expect(metaOf(answer.body).resourceVersion).toBe(metaOf(before).resourceVersion);
  });

  test('an update that carries another uid: 409, Conflict', async () => {
    const ns = await server.namespace();
    const before = await create(coreV1(ns, 'configmaps'), configMap('a'));
    const metadata = { ...metaOf(before), uid: '00000000-0000-4000-8000-000000000000' };
    const answer = await call('PUT', coreV1(ns, 'configmaps', 'a'), { body: { ...before, metadata } });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      reason: 'Conflict',
      message: expect.stringContaining('UID in precondition'),
    });
  });

  test('a PUT creates a Lease that is not there, but not with the uid of one that is gone', async () => {
    const ns = await server.namespace();
    const created = await call('PUT', leases(ns, 'a'), { body: lease('a') });
    expect(created.status).toBe(201);
    await call('DELETE', leases(ns, 'a'));
    const metadata = { uid: metaOf(created.body).uid, resourceVersion: metaOf(created.body).resourceVersion };
    const again = await call('PUT', leases(ns, 'a'), { body: lease('a', { holderIdentity: 'b' }, metadata) });
    expect(again.status).toBe(409);
  });

  test('a new object with a resourceVersion is refused: 500', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('a', { metadata: { resourceVersion: '5' } }),
    });
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({
      message: 'resourceVersion should not be set on objects to be created',
    });
  });

  test('MicroTime has six digits, no more and no less', async () => {
    const ns = await server.namespace();
    const at = async (name: string, renewTime: string): Promise<number> =>
      (await call('POST', leases(ns), { body: lease(name, { renewTime }) })).status;
    expect(await at('six', '2026-01-01T00:00:00.000001Z')).toBe(201);
    expect(await at('none', '2026-01-01T00:00:00Z')).toBe(400);
    expect(await at('three', '2026-01-01T00:00:00.123Z')).toBe(400);
    expect(await at('nine', '2026-01-01T00:00:00.123456789Z')).toBe(400);
  });

  test('a Lease with a duration of nothing, or a negative number of transitions: 422 with every cause', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', leases(ns), {
      body: lease('a', { leaseDurationSeconds: 0, leaseTransitions: -1 }),
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      details: {
        causes: [
          { reason: 'FieldValueInvalid', field: 'spec.leaseDurationSeconds' },
          { reason: 'FieldValueInvalid', field: 'spec.leaseTransitions' },
        ],
      },
    });
  });

  test('a deletion answers a Status that names what was deleted, with its uid', async () => {
    const ns = await server.namespace();
    const { uid } = metaOf(await create(coreV1(ns, 'configmaps'), configMap('a')));
    const answer = await call('DELETE', coreV1(ns, 'configmaps', 'a'));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid },
    });
    expect((await call('GET', coreV1(ns, 'configmaps', 'a'))).status).toBe(404);
  });

  test('a deletion with the uid or resourceVersion of another object: 409, and the object stays', async () => {
    const ns = await server.namespace();
    const meta = metaOf(await create(coreV1(ns, 'configmaps'), configMap('a')));
    for (const preconditions of [{ uid: '00000000-0000-4000-8000-000000000000' }, { resourceVersion: '1' }]) {
      const answer = await call('DELETE', coreV1(ns, 'configmaps', 'a'), { body: { preconditions } });
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({ reason: 'Conflict', details: { name: 'a' } });
    }
    const body = { preconditions: { uid: meta.uid, resourceVersion: meta.resourceVersion } };
    expect((await call('DELETE', coreV1(ns, 'configmaps', 'a'), { body })).status).toBe(200);
  });

  test('an object with a finalizer is answered with a deletionTimestamp and stays until the finalizer goes', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await create(
      coreV1(ns, 'configmaps'),
      configMap('a', { metadata: { finalizers: ['example.com/hold'] } }),
    );
    const deleted = await call('DELETE', path);
    expect(deleted.status).toBe(200);
    expect(deleted.body).toMatchObject({
      kind: 'ConfigMap',
      metadata: { deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0 },
    });
    expect((await call('GET', path)).status).toBe(200);
    const released = await call('PATCH', path, {
      body: { metadata: { finalizers: null } },
      contentType: 'application/merge-patch+json',
    });
    expect(released.status).toBe(200);
    expect((await call('GET', path)).status).toBe(404);
  });

  test('an object that is being deleted takes no new finalizer: 422', async () => {
    const ns = await server.namespace();
    const path = coreV1(ns, 'configmaps', 'a');
    await create(
      coreV1(ns, 'configmaps'),
      configMap('a', { metadata: { finalizers: ['example.com/hold'] } }),
    );
    await call('DELETE', path);
    const answer = await call('PATCH', path, {
      body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } },
      contentType: 'application/merge-patch+json',
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      details: { causes: [{ reason: 'FieldValueForbidden', field: 'metadata.finalizers' }] },
    });
  });

  test('a finalizer without a domain: 422', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('a', { metadata: { finalizers: ['hold'] } }),
    });
    expect(answer.status).toBe(422);
  });

  test('creating under the name of an object that is being deleted: 409 that says so', async () => {
    const ns = await server.namespace();
    await create(
      coreV1(ns, 'configmaps'),
      configMap('a', { metadata: { finalizers: ['example.com/hold'] } }),
    );
    await call('DELETE', coreV1(ns, 'configmaps', 'a'));
    const answer = await call('POST', coreV1(ns, 'configmaps'), { body: configMap('a') });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      reason: 'AlreadyExists',
      message: 'object is being deleted: configmaps "a" already exists',
    });
  });

  test('labels and annotations with impossible keys or values: 422 at their field', async () => {
    const ns = await server.namespace();
    const labels = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('a', { metadata: { labels: { 'a b': 'c d' } } }),
    });
    expect(labels.status).toBe(422);
    expect(labels.body).toMatchObject({
      details: { causes: [{ field: 'metadata.labels' }, { field: 'metadata.labels' }] },
    });
    const annotations = await call('POST', coreV1(ns, 'configmaps'), {
      body: configMap('a', { metadata: { annotations: { 'a b': '' } } }),
    });
    expect(annotations.body).toMatchObject({
      code: 422,
      details: { causes: [{ field: 'metadata.annotations' }] },
    });
  });

  test('a dry run answers as if it had happened, and nothing is stored', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', `${coreV1(ns, 'configmaps')}?dryRun=All`, { body: configMap('a') });
    expect(answer.status).toBe(201);
    expect((await call('GET', coreV1(ns, 'configmaps', 'a'))).status).toBe(404);
    const bad = await call('POST', `${coreV1(ns, 'configmaps')}?dryRun=Some`, { body: configMap('a') });
    expect(bad.status).toBe(422);
  });

  test('an unknown field: a warning by default, 400 under Strict, silence under Ignore', async () => {
    const ns = await server.namespace();
    const body = { ...configMap('a'), sepc: {} };
    const post = async (query: string): Promise<RawAnswer> =>
      call('POST', `${coreV1(ns, 'configmaps')}?dryRun=All${query}`, { body });
    expect((await post('')).headers['warning']).toBe('299 - "unknown field \\"sepc\\""');
    const strict = await post('&fieldValidation=Strict');
    expect(strict.status).toBe(400);
    expect(strict.body).toMatchObject({
      reason: 'BadRequest',
      message: expect.stringContaining('strict decoding error: unknown field "sepc"'),
    });
    const ignored = await post('&fieldValidation=Ignore');
    expect([ignored.status, ignored.headers['warning']]).toEqual([201, undefined]);
  });

  test('an Ingress gets an empty status and counts its generations; one that leads nowhere: 422', async () => {
    const ns = await server.namespace();
    const path = `/apis/networking.k8s.io/v1/namespaces/${ns}/ingresses`;
    const backend = { service: { name: 'web', port: { number: 80 } } };
    const ingress = (spec: object) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'a' },
      spec: { ...spec },
    });
    const created = await create(path, ingress({ defaultBackend: backend }));
    expect(created).toMatchObject({ metadata: { generation: 1 }, status: { loadBalancer: {} } });
    const rules = [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }];
    const updated = await call('PATCH', `${path}/a`, {
      body: { spec: { rules }, status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    expect(updated.body).toMatchObject({
      metadata: { generation: 2 },
      spec: { rules, defaultBackend: backend },
      status: { loadBalancer: {} },
    });
    const nowhere = await call('POST', path, { body: { ...ingress({}), metadata: { name: 'b' } } });
    expect(nowhere.status).toBe(422);
    expect(nowhere.body).toMatchObject({ reason: 'Invalid', details: { kind: 'Ingress', name: 'b' } });
  });

  test('a request without credentials is anonymous, and forbidden: 403 with user, verb and resource', async () => {
    const answer = await call('GET', '/api/v1/namespaces/default/configmaps', {
      headers: { authorization: 'Basic eDp5' },
    });
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual(
      failure(
        403,
        'Forbidden',
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
        { kind: 'configmaps' },
      ),
    );
  });

  test('a token that nobody gave out: 401, Unauthorized', async () => {
    const answer = await call('GET', '/api/v1/namespaces', { headers: { authorization: 'Bearer nonsense' } });
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual(failure(401, 'Unauthorized', 'Unauthorized'));
  });
});
