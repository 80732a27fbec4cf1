import { expect, test } from '@jest/globals';
import { configMap, coreV1, failure, leases, metaOf, shown } from './objects.js';
import type { JsonObject, RawAnswer } from './raw-http.js';
import { describeOnServers } from './servers.js';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const maps = (ns: string, query = ''): string => `${coreV1(ns, 'configmaps')}${query}`;
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';

describeOnServers('access', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);
  const create = async (path: string, body: object): Promise<JsonObject> => {
    const answer = await call('POST', path, { body });
    expect(answer.status).toBe(201);
    return answer.body;
  };
  let users = 0;
  const user = (groups: readonly string[] = []) => {
    users += 1;
    const name = `somebody-${users}`;
    return { name, http: server.user(name, groups) };
  };
  /** Rights take effect in their own time. */
  const eventually = async (act: () => Promise<RawAnswer>, status: number): Promise<RawAnswer> => {
    for (let i = 0; i < 40; i++) {
      const answer = await act();
      if (answer.status === status) return answer;
      await new Promise((resolve) => void setTimeout(resolve, 50));
    }
    return act();
  };
  const grant = async (ns: string, subject: object, rules: readonly object[]): Promise<void> => {
    await create(`${rbac}/namespaces/${ns}/roles`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r' },
      rules,
    });
    await create(`${rbac}/namespaces/${ns}/rolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'b' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [subject],
    });
  };

  for (const [method, path, verb, message] of [
    [
      'GET',
      'configmaps/a',
      'get',
      'configmaps "a" is forbidden: User "NAME" cannot get resource "configmaps"',
    ],
    ['GET', 'configmaps', 'list', 'configmaps is forbidden: User "NAME" cannot list resource "configmaps"'],
    [
      'GET',
      'configmaps?watch=1',
      'watch',
      'configmaps is forbidden: User "NAME" cannot watch resource "configmaps"',
    ],
    [
      'POST',
      'configmaps',
      'create',
      'configmaps is forbidden: User "NAME" cannot create resource "configmaps"',
    ],
    [
      'PUT',
      'configmaps/a',
      'update',
      'configmaps "a" is forbidden: User "NAME" cannot update resource "configmaps"',
    ],
    [
      'PATCH',
      'configmaps/a',
      'patch',
      'configmaps "a" is forbidden: User "NAME" cannot patch resource "configmaps"',
    ],
    [
      'DELETE',
      'configmaps/a',
      'delete',
      'configmaps "a" is forbidden: User "NAME" cannot delete resource "configmaps"',
    ],
    [
      'DELETE',
      'configmaps',
      'deletecollection',
      'configmaps is forbidden: User "NAME" cannot deletecollection resource "configmaps"',
    ],
    ['GET', 'pods/a/status', 'get', 'pods "a" is forbidden: User "NAME" cannot get resource "pods/status"'],
  ] as const) {
    test(`without the right to ${verb}, ${method} ${path} is 403 and says so`, async () => {
      const ns = await server.namespace();
      const { name, http } = user();
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: {} } : {};
      const answer = await http.call(method, `/api/v1/namespaces/${ns}/${path}`, body);
      const [kind = ''] = path.split(/[/?]/);
      expect(answer.body).toEqual(
        failure(
          403,
          'Forbidden',
          `${message.replace('NAME', name)} in API group "" in the namespace "${ns}"`,
          { ...(path.includes('/') ? { name: 'a' } : {}), kind },
        ),
      );
    });
  }

  test('a denial of a cluster-wide request says so, and names the group', async () => {
    const { name, http } = user();
    const nodes = await http.call('GET', '/api/v1/nodes');
    expect(nodes.body['message']).toBe(
      `nodes is forbidden: User "${name}" cannot list resource "nodes" in API group "" at the cluster scope`,
    );
    const all = await http.call('GET', '/apis/coordination.k8s.io/v1/leases');
    expect(all.body['message']).toBe(
      `leases.coordination.k8s.io is forbidden: User "${name}" cannot list resource "leases" in API group "coordination.k8s.io" at the cluster scope`,
    );
  });

  test('a denial of a path that is no resource names the path', async () => {
    const { name, http } = user();
    const answer = await http.call('GET', '/metrics');
    expect(answer.body['message']).toBe(`forbidden: User "${name}" cannot get path "/metrics"`);
  });

  test('denied is denied, whether the object is there or not, and whatever the body is', async () => {
    const ns = await server.namespace();
    const { http } = user();
    expect((await http.call('GET', coreV1(ns, 'absents', 'a'))).status).toBe(403);
    expect((await http.call('POST', maps(ns), { body: 'nonsense' })).status).toBe(403);
  });

  test('a role gives a user just its verbs on its resources in its namespace', async () => {
    const [ns, other] = [await server.namespace(), await server.namespace()];
    const { name, http } = user();
    const subject = { kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' };
    await grant(ns, subject, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'create'] }]);
    expect((await eventually(async () => http.call('GET', maps(ns)), 200)).status).toBe(200);
    expect((await http.call('POST', maps(ns), { body: configMap('a') })).status).toBe(201);
    expect((await http.call('DELETE', coreV1(ns, 'configmaps', 'a'))).status).toBe(403);
    expect((await http.call('GET', coreV1(ns, 'secrets'))).status).toBe(403);
    expect((await http.call('GET', maps(other))).status).toBe(403);
  });

  test('a role for a group is for its members; one for names for those names alone', async () => {
    const ns = await server.namespace();
    const { http } = user(['team']);
    const subject = { kind: 'Group', name: 'team', apiGroup: 'rbac.authorization.k8s.io' };
    await grant(ns, subject, [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/status'], verbs: ['*'] },
    ]);
    expect((await eventually(async () => http.call('GET', coreV1(ns, 'configmaps', 'a')), 404)).status).toBe(
      404,
    );
    expect((await http.call('GET', coreV1(ns, 'configmaps', 'b'))).status).toBe(403);
    expect((await http.call('GET', coreV1(ns, 'pods', 'p/status'))).status).toBe(404);
    expect((await http.call('GET', coreV1(ns, 'pods', 'p'))).status).toBe(403);
  });

  test('a service account’s token from a TokenRequest is the service account', async () => {
    const ns = await server.namespace();
    await create(coreV1(ns, 'serviceaccounts'), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'sa' },
    });
    const answer = await call('POST', coreV1(ns, 'serviceaccounts', 'sa/token'), {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      },
    });
    expect(answer.status).toBe(201);
    const { token, expirationTimestamp } = answer.body['status'] as Record<string, string>;
    expect(Date.parse(expirationTimestamp ?? '')).toBeGreaterThan(0);
    const account = server.bearer(token ?? '');
    await grant(ns, { kind: 'ServiceAccount', name: 'sa', namespace: ns }, [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] },
    ]);
    expect((await eventually(async () => account.call('GET', maps(ns)), 200)).status).toBe(200);
    const denied = await account.call('GET', coreV1(ns, 'secrets'));
    expect(denied.body['message']).toContain(`User "system:serviceaccount:${ns}:sa" cannot list`);
  });

  test('a token of a service account that is not there: 404', async () => {
    const ns = await server.namespace();
    const answer = await call('POST', coreV1(ns, 'serviceaccounts', 'absent/token'), {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    expect(answer.status).toBe(404);
  });

  test('a SelfSubjectReview says who one is', async () => {
    const { name, http } = user(['team']);
    const answer = await http.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    expect(answer.status).toBe(201);
    expect(answer.body['status']).toMatchObject({
      userInfo: { username: name, groups: expect.arrayContaining(['team', 'system:authenticated']) },
    });
  });

  test('a SelfSubjectAccessReview says what one may, the administrator everything', async () => {
    const ns = await server.namespace();
    const { http } = user();
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace: ns, verb: 'get', resource: 'configmaps' } },
    };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const mine = await call('POST', path, { body });
    expect(mine.status).toBe(201);
    expect(mine.body).toMatchObject({ spec: body.spec, status: { allowed: true } });
    const theirs = await http.call('POST', path, { body });
    expect(theirs.body['status']).toMatchObject({ allowed: false });
  });

  test('a review that asks nothing: 422', async () => {
    const answer = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: {} },
    });
    expect(answer.status).toBe(422);
  });

  test('a SubjectAccessReview asks for somebody else', async () => {
    const answer = await call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'x',
          groups: ['system:masters'],
          resourceAttributes: { verb: 'get', resource: 'pods' },
        },
      },
    });
    expect(answer.body['status']).toMatchObject({ allowed: true });
  });

  test('basic authentication counts for nothing: anonymous, 403', async () => {
    const answer = await server
      .bearer('')
      .call('GET', '/api/v1/nodes', { headers: { authorization: 'Basic YTpi' } });
    expect(answer.status).toBe(403);
    expect(answer.body['message']).toContain('User "system:anonymous" cannot list');
  });

  for (const [accept, status] of [
    ['application/json', 200],
    ['*/*', 200],
    ['application/yaml', 200],
    ['application/*', 406],
    ['text/html', 406],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 200],
    ['application/json;as=Nonsense;v=v1;g=meta.k8s.io', 406],
  ] as const) {
    test(`Accept: ${accept} is answered with ${status}`, async () => {
      const ns = await server.namespace();
      expect((await call('GET', maps(ns), { headers: { accept } })).status).toBe(status);
    });
  }

  test('YAML is answered with the type of YAML', async () => {
    const ns = await server.namespace();
    const headers = { accept: 'application/yaml' };
    expect((await call('GET', maps(ns), { headers })).headers['content-type']).toBe('application/yaml');
    expect((await call('GET', `${maps(ns)}/absent`, { headers })).headers['content-type']).toBe(
      'application/yaml',
    );
  });

  for (const [method, path] of [
    ['HEAD', 'configmaps'],
    ['OPTIONS', 'configmaps'],
    ['POST', 'configmaps/a'],
    ['PUT', 'configmaps'],
    ['PATCH', 'configmaps'],
  ] as const) {
    test(`${method} ${path}: 405`, async () => {
      const ns = await server.namespace();
      const body = method === 'HEAD' || method === 'OPTIONS' ? {} : { body: {} };
      expect((await call(method, `/api/v1/namespaces/${ns}/${path}`, body)).status).toBe(405);
    });
  }

  for (const text of ['', '{', '{"a":}', '[]', '"x"', '{"apiVersion":"v1","kind":"Secret"}']) {
    test(`a body of ${text === '' ? 'nothing' : text}: 400`, async () => {
      const ns = await server.namespace();
      expect((await call('POST', maps(ns), { body: text })).status).toBe(400);
    });
  }

  for (const [text, cause] of [
    ['{', 'unexpected end of JSON input ({)'],
    ['{"a":}', `invalid character '}' looking for beginning of value ({"a":})`],
    ['{"a" 1}', `invalid character '1' after object key ({"a" 1})`],
    ['{"a":1 2}', `invalid character '2' after object key:value pair ({"a":1 2})`],
    ['{a}', `invalid character 'a' looking for beginning of object key string ({a})`],
    ['{"a":nul}', `invalid character '}' in literal null (expecting 'l') ({"a":nul})`],
  ] as const) {
    test(`of the body ${text} the server says: ${cause}`, async () => {
      const ns = await server.namespace();
      const answer = await call('POST', maps(ns), { body: text });
      expect(answer.body['message']).toBe(
        `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: ${cause}`,
      );
    });
  }

  test('without a Content-Type a body is JSON', async () => {
    const ns = await server.namespace();
    const headers = { 'content-type': '' };
    const answer = await call('POST', maps(ns), { body: configMap('a'), headers });
    expect(answer.status).toBe(201);
  });

  for (const [token, tail] of [
    ['nonsense', String.raw`invalid character '\u009e' looking for beginning of value`],
    ['e30', 'server does not recognize this encoded version '],
    [
      Buffer.from('{"v":"meta.k8s.io/v1","rv":5}').toString('base64url'),
      'encoded start key empty (version meta.k8s.io/v1)',
    ],
  ] as const) {
    test(`of the continue token ${token} the server says: ${tail}`, async () => {
      const ns = await server.namespace();
      const answer = await call('GET', maps(ns, `?limit=1&continue=${token}`));
      expect(answer.body).toEqual(
        failure(400, 'BadRequest', `invalid continue token: continue key is not valid: ${tail}`),
      );
    });
  }

  test('of a list that asks for initial events every cause is told, in order', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', maps(ns, '?sendInitialEvents=true&resourceVersionMatch=foo'));
    const { causes } = answer.body['details'] as { causes: JsonObject[] };
    expect(causes.map(({ field, reason }) => `${shown(field)} ${shown(reason)}`)).toEqual([
      'resourceVersionMatch FieldValueForbidden',
      'resourceVersionMatch FieldValueNotSupported',
      'sendInitialEvents FieldValueForbidden',
    ]);
  });

  test('a list from a version that is not reached yet: 504 after 3 s, with Retry-After', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', maps(ns, '?resourceVersion=999999999'));
    expect(answer.status).toBe(504);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.body).toMatchObject({
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
    });
  }, 10_000);

  test('a watch from a version that is not reached yet is silent until it ends', async () => {
    const ns = await server.namespace();
    await call('POST', maps(ns), { body: configMap('a') });
    const events = await server.http.watch(maps(ns, '?watch=1&resourceVersion=999999999&timeoutSeconds=1'));
    expect(events).toEqual([]);
  });

  for (const value of ['maybe', 'true', '1', '']) {
    test(`watch=${value} is a watch`, async () => {
      const ns = await server.namespace();
      const watch = await server.http.openWatch(maps(ns, `?watch=${value}&timeoutSeconds=1`));
      expect(watch.headers['transfer-encoding']).toBe('chunked');
      watch.close();
    });
  }

  test('a watch that asks for bookmarks from the beginning is told when it has seen all', async () => {
    const ns = await server.namespace();
    await call('POST', maps(ns), { body: configMap('a') });
    const events = await server.http.watch(
      maps(ns, '?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'),
      2,
    );
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
  });

  test('a watch with bookmarks and without a version is told so, too, although it did not ask', async () => {
    const ns = await server.namespace();
    await call('POST', maps(ns), { body: configMap('a') });
    const events = await server.http.watch(maps(ns, '?watch=1&allowWatchBookmarks=true'), 2);
    expect(events).toMatchObject([
      { type: 'ADDED' },
      { type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } },
    ]);
  });

  test('fieldValidation=Ignore does not make an apply lenient: an unknown field is a 500', async () => {
    const ns = await server.namespace();
    const answer = await call(
      'PATCH',
      `${coreV1(ns, 'configmaps', 'a')}?fieldManager=m&fieldValidation=Ignore`,
      { body: { ...configMap('a'), foo: 1 }, contentType: 'application/apply-patch+yaml' },
    );
    expect(answer.status).toBe(500);
  });

  test('a 422 names the kind, a 404 and a 409 of an update the resource, a 409 of a deletion the kind', async () => {
    const ns = await server.namespace();
    const kindIn = async (answer: Promise<RawAnswer>): Promise<unknown> =>
      ((await answer).body['details'] as JsonObject)['kind'];
    await call('POST', leases(ns), { body: { metadata: { name: 'l' } } });
    const path = leases(ns, 'l');
    const { body } = await call('GET', path);
    const bad = { ...body, spec: { leaseDurationSeconds: 0 } };
    const stale = { ...body, metadata: { ...metaOf(body), resourceVersion: '1' } };
    const preconditions = { resourceVersion: '1' };
    expect([
      await kindIn(call('PUT', path, { body: bad })),
      await kindIn(call('GET', leases(ns, 'absent'))),
      await kindIn(call('PUT', path, { body: stale })),
      await kindIn(call('DELETE', path, { body: { preconditions } })),
    ]).toEqual(['Lease', 'leases', 'leases', 'Lease']);
  });

  test('a Table of a built-in kind has its columns, and rows with metadata only', async () => {
    const ns = await server.namespace();
    await call('POST', maps(ns), { body: configMap('a', { data: { k: 'v' } }) });
    const { body } = await call('GET', maps(ns), { headers: { accept: table } });
    expect(body).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }],
      rows: [{ cells: ['a', 1, expect.any(String)], object: { kind: 'PartialObjectMetadata' } }],
    });
    const none = await call('GET', maps(ns, '?includeObject=None'), { headers: { accept: table } });
    expect((none.body['rows'] as JsonObject[])[0]?.['object'] ?? null).toBeNull();
    const one = await call('GET', `${maps(ns)}/a`, { headers: { accept: table } });
    expect(one.body).toMatchObject({ kind: 'Table', rows: [{ cells: ['a', 1, expect.any(String)] }] });
  });

  test('a watch of Tables sends a row at a time', async () => {
    const ns = await server.namespace();
    await call('POST', maps(ns), { body: configMap('a') });
    await call('POST', maps(ns), { body: configMap('b') });
    const watch = await server.http.openWatch(maps(ns, '?watch=1'), { accept: table });
    const events = await watch.next(2);
    watch.close();
    expect(events).toMatchObject([
      { type: 'ADDED', object: { kind: 'Table', rows: [{ cells: ['a', 0, expect.any(String)] }] } },
      { type: 'ADDED', object: { kind: 'Table', rows: [{ cells: ['b', 0, expect.any(String)] }] } },
    ]);
  });

  for (const path of ['/healthz', '/livez', '/readyz', '/livez/ping', '/healthz/etcd']) {
    test(`${path} is ok`, async () => {
      const answer = await call('GET', path);
      expect([answer.status, answer.text]).toEqual([200, 'ok']);
    });
  }

  test('?verbose lists the checks', async () => {
    const answer = await call('GET', '/livez?verbose');
    expect(answer.text).toMatch(/^\[\+\]ping ok\n\[\+\]log ok\n[^]*livez check passed\n$/);
  });

  test('/ lists paths', async () => {
    const { paths } = (await call('GET', '/')).body as unknown as { paths: string[] };
    expect(paths).toEqual(
      expect.arrayContaining(['/api', '/api/v1', '/apis', '/apis/apps/v1', '/healthz', '/version']),
    );
  });

  test('discovery tells what is namespaced, the short names and the subresources', async () => {
    const { body } = await call('GET', '/apis/apps/v1');
    const resources = body['resources'] as readonly JsonObject[];
    const named = (name: string): JsonObject | undefined => resources.find((one) => one['name'] === name);
    expect(named('deployments')).toMatchObject({
      singularName: 'deployment',
      namespaced: true,
      kind: 'Deployment',
      shortNames: ['deploy'],
      categories: ['all'],
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    });
    expect(named('deployments/scale')).toMatchObject({ group: 'autoscaling', version: 'v1', kind: 'Scale' });
    expect(named('deployments/status')).toMatchObject({ verbs: ['get', 'patch', 'update'] });
  });

  test('a Lease is known by what client-go writes', async () => {
    const ns = await server.namespace();
    const spec = {
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.123456Z',
      leaseTransitions: 0,
    };
    const body = await create(leases(ns), {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec,
    });
    expect(body['spec']).toEqual(spec);
    expect(metaOf((await call('GET', leases(ns, 'l'))).body)).toEqual(metaOf(body));
  });
});
