/** GET of one object. */
import { unknownError } from '../../object/status.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { presentObject } from '../present.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { assertReached, noNumber } from './list.js';

export async function get(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  { namespace, name }: ResourceRequest,
): Promise<ApiResponse> {
  const version = request.query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(version)) throw unknownError(noNumber(version));
  await assertReached(kernel, version);
  const stored = kernel.objects.get(resource, namespace, name);
  const presented = { status: 200, object: resource.view(stored), stored };
  return presentObject(request, resource, presented, kernel.environment.now());
}
