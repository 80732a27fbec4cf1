/** POST to a service account's `token`: a random token that speaks for the account. */
import { valueAt } from '../../object/json.js';
import { readBody } from '../body.js';
import { formatTime } from '../environment.js';
import { jsonResponse } from '../http-message.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { listAt, uidOf } from '../meta.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';

const anHour = 3600;
const audience = 'https://kubernetes.default.svc';

export function requestToken(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  { namespace, name }: ResourceRequest,
): ApiResponse {
  const account = kernel.objects.get(resource, namespace, name);
  const sent = readBody(request, 'TokenRequest');
  const asked = valueAt(sent, 'spec', 'expirationSeconds');
  const seconds = typeof asked === 'number' ? asked : anHour;
  const now = kernel.environment.now();
  const expires = new Date(now.getTime() + seconds * 1000);
  const identity = { namespace, name, uid: uidOf(account.object) };
  const audiences = listAt(sent, 'spec', 'audiences');
  return jsonResponse(request, 201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: formatTime(now) },
    spec: {
      audiences: audiences.length > 0 ? audiences : [audience],
      expirationSeconds: seconds,
      boundObjectRef: valueAt(sent, 'spec', 'boundObjectRef') ?? null,
    },
    status: {
      token: kernel.authenticator.issueFor(identity, expires.getTime()),
      expirationTimestamp: formatTime(expires),
    },
  });
}
