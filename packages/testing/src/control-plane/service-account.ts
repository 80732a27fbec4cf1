/** Service accounts and their tokens, as a kubelet would fetch them for a pod. */
import type { Access } from './access.js';
import { TestServerError } from './error.js';
import { type Answer, type JsonRequest, request } from './request.js';

export interface ServiceAccountOptions {
  readonly namespace: string;
  readonly name: string;
  /** A pod in the same namespace: the token carries its name and uid, and dies with it. */
  readonly pod?: string;
  /** @defaultValue the API server's own audience */
  readonly audiences?: readonly string[];
  /** @defaultValue an hour; less than ten minutes is refused by the API server */
  readonly expirationSeconds?: number;
}

/** Creates the service account if it is absent, and asks for a token of it through the TokenRequest API. */
export async function serviceAccountToken(admin: Access, options: ServiceAccountOptions): Promise<string> {
  const accounts = `/api/v1/namespaces/${options.namespace}/serviceaccounts`;
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: options.name } };
  await expect([201, 409], request(admin, { method: 'POST', path: accounts, body: account }));
  const answer = await expect([201], request(admin, await tokenRequest(admin, options)));
  return (JSON.parse(answer.body) as { status: { token: string } }).status.token;
}

async function tokenRequest(admin: Access, options: ServiceAccountOptions): Promise<JsonRequest> {
  const spec = {
    audiences: options.audiences ?? [],
    expirationSeconds: options.expirationSeconds ?? 3600,
    ...(options.pod === undefined
      ? {}
      : { boundObjectRef: await podReference(admin, options.namespace, options.pod) }),
  };
  return {
    method: 'POST',
    path: `/api/v1/namespaces/${options.namespace}/serviceaccounts/${options.name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  };
}

async function podReference(admin: Access, namespace: string, name: string): Promise<object> {
  const answer = await expect(
    [200],
    request(admin, { path: `/api/v1/namespaces/${namespace}/pods/${name}` }),
  );
  const { metadata } = JSON.parse(answer.body) as { metadata: { uid: string } };
  return { kind: 'Pod', apiVersion: 'v1', name, uid: metadata.uid };
}

async function expect(statuses: readonly number[], answering: Promise<Answer>): Promise<Answer> {
  const answer = await answering;
  if (statuses.includes(answer.status)) return answer;
  throw new TestServerError(
    'CONTROL_PLANE_REFUSED',
    `The API server answered ${answer.status}: ${answer.body.trim()}`,
  );
}
