import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { definition, definitions } from './definitions.js';
import { causesOf, configMap, coreV1, lease, leases, metaOf, shown } from './objects.js';
import type { RawAnswer } from './raw-http.js';
import { describeOnRealServer } from './servers.js';

const admission = '/apis/admissionregistration.k8s.io/v1';
const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n';

/** Each of these stands in the table of the embedded server's README. */
describeOnRealServer('what the embedded server leaves out', (server) => {
  const call = async (...args: Parameters<typeof server.http.call>): Promise<RawAnswer> =>
    server.http.call(...args);
  /** Policies take effect in their own time. */
  const denied = async (act: () => Promise<RawAnswer>): Promise<RawAnswer> => {
    for (let i = 0; i < 60; i++) {
      const answer = await act();
      if (answer.status >= 400) return answer;
      await sleep(100);
    }
    throw new Error('nothing was denied within 6 s');
  };
  const policy = async (name: string, spec: object, binding: object): Promise<void> => {
    const head = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name } };
    const bodies = [
      ['validatingadmissionpolicies', { ...head, kind: 'ValidatingAdmissionPolicy', spec }],
      [
        'validatingadmissionpolicybindings',
        { ...head, kind: 'ValidatingAdmissionPolicyBinding', spec: binding },
      ],
    ] as const;
    for (const [resource, body] of bodies) {
      expect((await call('POST', `${admission}/${resource}`, { body })).status).toBe(201);
    }
  };
  const onConfigMaps = (ns: string): object => ({
    resourceRules: [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
    ],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns } },
  });

  test('a policy denies: 422, "is forbidden", causes without reason and field', async () => {
    const ns = await server.namespace();
    const spec = {
      matchConstraints: onConfigMaps(ns),
      validations: [{ expression: "!has(object.data) || !('bad' in object.data)", message: 'no bad keys' }],
    };
    await policy('plain', spec, { policyName: 'plain', validationActions: ['Deny'] });
    const body = configMap('a', { data: { bad: 'x' } });
    const answer = await denied(async () => call('POST', `${coreV1(ns, 'configmaps')}?dryRun=All`, { body }));
    expect(answer.body).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'plain' with binding 'plain' denied request: no bad keys`,
    });
    expect(causesOf(answer.body)).toEqual([
      { message: "ValidatingAdmissionPolicy 'plain' with binding 'plain' denied request: no bad keys" },
    ]);
    expect((await call('POST', coreV1(ns, 'configmaps'), { body: configMap('b') })).status).toBe(201);
  }, 15_000);

  test('a policy may take its parameters from another object, such as a Lease', async () => {
    const ns = await server.namespace();
    await call('POST', leases(ns), { body: lease('l', { holderIdentity: 'me' }) });
    const spec = {
      paramKind: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
      matchConstraints: onConfigMaps(ns),
      validations: [
        {
          expression: "object.metadata.annotations['holder'] == params.spec.holderIdentity",
          message: 'not the holder',
          reason: 'Forbidden',
        },
      ],
    };
    const paramRef = { name: 'l', namespace: ns, parameterNotFoundAction: 'Deny' };
    await policy('fenced', spec, { policyName: 'fenced', paramRef, validationActions: ['Deny'] });
    const write = (holder: string) => async (): Promise<RawAnswer> =>
      call('POST', `${coreV1(ns, 'configmaps')}?dryRun=All`, {
        body: configMap('a', { metadata: { annotations: { holder } } }),
      });
    const answer = await denied(write('other'));
    expect(answer.body).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect((await write('me')()).status).toBe(201);
  }, 15_000);

  test('a policy with an expression that does not compile: 422', async () => {
    const body = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'bad' },
      spec: { matchConstraints: onConfigMaps('default'), validations: [{ expression: 'nope(' }] },
    };
    expect((await call('POST', `${admission}/validatingadmissionpolicies`, { body })).status).toBe(422);
  });

  test('a TokenReview says whose a token is', async () => {
    const ns = await server.namespace();
    await call('POST', coreV1(ns, 'serviceaccounts'), { body: { metadata: { name: 'sa' } } });
    const request = await call('POST', coreV1(ns, 'serviceaccounts', 'sa/token'), { body: { spec: {} } });
    const { token } = request.body['status'] as { token: string };
    const review = async (asked: string): Promise<RawAnswer> =>
      call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: asked } } });
    expect((await review(token)).body['status']).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${ns}:sa` },
    });
    expect((await review('nonsense')).body['status']).not.toHaveProperty('authenticated', true);
  });

  test('a token may be bound to a pod, and dies with it', async () => {
    const ns = await server.namespace();
    await call('POST', coreV1(ns, 'serviceaccounts'), { body: { metadata: { name: 'sa' } } });
    const pod = {
      metadata: { name: 'p' },
      spec: { serviceAccountName: 'sa', containers: [{ name: 'a', image: 'i' }] },
    };
    const { uid } = metaOf((await call('POST', coreV1(ns, 'pods'), { body: pod })).body);
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p', uid };
    const request = await call('POST', coreV1(ns, 'serviceaccounts', 'sa/token'), {
      body: { spec: { boundObjectRef } },
    });
    const bearer = server.bearer((request.body['status'] as { token: string }).token);
    expect((await bearer.call('GET', '/api/v1/nodes')).status).toBe(403);
    await call('DELETE', `${coreV1(ns, 'pods', 'p')}?gracePeriodSeconds=0`);
    const after = await server
      .bearer((request.body['status'] as { token: string }).token)
      .call('GET', '/api/v1/nodes');
    // What was found valid may be remembered for some seconds.
    expect([401, 403]).toContain(after.status);
  });

  test('a token is a JWT', async () => {
    const ns = await server.namespace();
    await call('POST', coreV1(ns, 'serviceaccounts'), { body: { metadata: { name: 'sa' } } });
    const request = await call('POST', coreV1(ns, 'serviceaccounts', 'sa/token'), { body: { spec: {} } });
    const [, claims = ''] = (request.body['status'] as { token: string }).token.split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      sub: `system:serviceaccount:${ns}:sa`,
    });
  });

  test('protobuf is answered in protobuf', async () => {
    const ns = await server.namespace();
    const accept = 'application/vnd.kubernetes.protobuf';
    const answer = await call('GET', coreV1(ns, 'configmaps'), { headers: { accept } });
    expect(answer.headers['content-type']).toBe(accept);
    expect(answer.text.startsWith('k8s\0')).toBe(true);
  });

  test('a body, and an applied configuration, may be YAML', async () => {
    const ns = await server.namespace();
    const created = await call('POST', coreV1(ns, 'configmaps'), {
      body: yaml,
      contentType: 'application/yaml',
    });
    expect(created.body['data']).toEqual({ k: 'v' });
    const applied = await call('PATCH', `${coreV1(ns, 'configmaps', 'a')}?fieldManager=m`, {
      body: yaml.replace('k: v', 'k: v\n  l: w'),
      contentType: 'application/apply-patch+yaml',
    });
    expect(applied.body['data']).toEqual({ k: 'v', l: 'w' });
  });

  test('whoever accepts YAML gets YAML', async () => {
    const ns = await server.namespace();
    const answer = await call('GET', coreV1(ns, 'configmaps'), { headers: { accept: 'application/yaml' } });
    expect(answer.text).toContain('kind: ConfigMapList\n');
  });

  test('a rule that costs too much is refused with its definition', async () => {
    const schema = {
      type: 'object',
      properties: { l: { type: 'array', items: { type: 'string' } } },
      'x-kubernetes-validations': [{ rule: 'self.l.all(a, self.l.all(b, a == b))' }],
    };
    const answer = await call('POST', definitions, { body: definition('costlys', schema) });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain('estimated rule cost exceeds budget');
  });

  test('a definition may be converted by a webhook', async () => {
    const conversion = {
      strategy: 'Webhook',
      webhook: {
        clientConfig: { url: 'https://127.0.0.1:1/convert' },
        conversionReviewVersions: ['v1'],
      },
    };
    const body = definition('webhookeds', { type: 'object' }, { spec: { conversion } });
    expect((await call('POST', definitions, { body })).status).toBe(201);
  });

  test('a LocalSubjectAccessReview and a SelfSubjectRulesReview are answered', async () => {
    const ns = await server.namespace();
    const rules = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
      body: { spec: { namespace: ns } },
    });
    expect(rules.status).toBe(201);
    const local = await call(
      'POST',
      `/apis/authorization.k8s.io/v1/namespaces/${ns}/localsubjectaccessreviews`,
      {
        body: {
          metadata: { namespace: ns },
          spec: { user: 'x', resourceAttributes: { namespace: ns, verb: 'get', resource: 'pods' } },
        },
      },
    );
    expect(local.body['status']).toMatchObject({ allowed: false });
  });

  for (const path of [
    '/apis/apps/v1/daemonsets',
    '/apis/networking.k8s.io/v1/ingresses',
    '/apis/autoscaling/v2/horizontalpodautoscalers',
    '/api/v1/endpoints',
  ]) {
    test(`${path} is served`, async () => {
      expect((await call('GET', path)).status).toBe(200);
    });
  }

  test('a user may grant no more than the user has: 403', async () => {
    const ns = await server.namespace();
    const { name, http } = { name: 'granter', http: server.user('granter') };
    const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] }];
    const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
    await call('POST', `${roles}/roles`, { body: { metadata: { name: 'r' }, rules } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
    await call('POST', `${roles}/rolebindings`, {
      body: {
        metadata: { name: 'b' },
        roleRef,
        subjects: [{ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' }],
      },
    });
    const body = {
      metadata: { name: 's' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    };
    let answer = await http.call('POST', `${roles}/roles`, { body });
    for (let i = 0; i < 40 && !shown(answer.body['message']).includes('escalat'); i++) {
      await sleep(50);
      answer = await http.call('POST', `${roles}/roles`, { body });
    }
    expect(answer.body['message']).toContain('attempting to grant RBAC permissions not currently held');
  });
});
