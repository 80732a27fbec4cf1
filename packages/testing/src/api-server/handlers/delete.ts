/** DELETE of one object, and of all that a selection means. */
import type { JsonObject } from '../../object/json.js';
import { valueAt } from '../../object/json.js';
import { readBody } from '../body.js';
import type { Stored } from '../collection.js';
import { parsePropagation } from '../deletion.js';
import type { DeleteOptions } from '../deletion.js';
import { jsonResponse } from '../http-message.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { parseListOptions } from '../list-options.js';
import { listAt, textAt, uidOf } from '../meta.js';
import { parseInteger, parseWriteOptions } from '../options.js';
import { presentList, presentObject } from '../present.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { withWarnings } from '../warnings.js';
import type { WriteContext } from '../write-context.js';
import { expiredToken, readPage } from './list.js';
import { contextOf } from './write.js';

interface Parsed {
  readonly options: DeleteOptions;
  readonly dryRun: boolean;
}

export function deleteOne(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): ApiResponse {
  const { options, context } = parse(request, target);
  const stored = kernel.objects.get(resource, target.namespace, target.name);
  const { object, gone } = kernel.deletion.delete(resource, stored, options, context);
  const whole = !gone || resource.definition.strategy.returnsDeleted;
  const response = whole
    ? presentObject(request, resource, { status: 200, object }, kernel.environment.now())
    : jsonResponse(request, 200, success(resource, stored));
  return withWarnings(response, warningsOf(resource, options));
}

export async function deleteCollection(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): Promise<ApiResponse> {
  const { options, context } = parse(request, target);
  const page = await readPage(kernel, resource, parseListOptions(request, false), target.namespace);
  if ('token' in page) return expiredToken(request, page.error, page.token);
  for (const { namespace, name } of page.items) {
    const stored = kernel.objects.find(resource, namespace, name);
    if (stored !== undefined) kernel.deletion.delete(resource, stored, options, context);
  }
  return presentList(request, resource, page, kernel.environment.now());
}

function parse(
  request: ApiRequest,
  target: ResourceRequest,
): { readonly options: DeleteOptions; readonly context: WriteContext } {
  const { options, dryRun } = parseDelete(request);
  const write = parseWriteOptions(request, 'DeleteOptions');
  return { options, context: contextOf(request, target, { ...write, dryRun: dryRun || write.dryRun }) };
}

/** Options of the body, or of the query if there is no body. */
function parseDelete(request: ApiRequest): Parsed {
  if (request.body.length > 0) return fromBody(readBody(request, 'DeleteOptions'));
  const { query } = request;
  const propagation = query.get('propagationPolicy') ?? '';
  const grace = parseInteger(query.get('gracePeriodSeconds'));
  return {
    options: {
      propagation:
        propagation === ''
          ? orphanWish(query.get('orphanDependents') ?? undefined)
          : parsePropagation(propagation),
      gracePeriodSeconds: grace,
    },
    dryRun: false,
  };
}

function fromBody(body: JsonObject): Parsed {
  const uid = textAt(body, 'preconditions', 'uid');
  const resourceVersion = textAt(body, 'preconditions', 'resourceVersion');
  const propagation = textAt(body, 'propagationPolicy');
  const grace = valueAt(body, 'gracePeriodSeconds');
  const orphan = valueAt(body, 'orphanDependents');
  return {
    options: {
      uid: uid === '' ? undefined : uid,
      resourceVersion: resourceVersion === '' ? undefined : resourceVersion,
      propagation:
        propagation === ''
          ? orphanWish(orphan === undefined ? undefined : JSON.stringify(orphan))
          : parsePropagation(propagation),
      gracePeriodSeconds: typeof grace === 'number' ? grace : undefined,
    },
    dryRun: listAt(body, 'dryRun').includes('All'),
  };
}

/** The older way to say it. */
function orphanWish(value: string | undefined) {
  if (value === 'true') return 'Orphan' as const;
  return value === 'false' ? ('Background' as const) : undefined;
}

function success({ definition }: Resource, { name, object }: Stored): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.plural,
      uid: uidOf(object),
    },
  };
}

function warningsOf({ definition }: Resource, { propagation }: DeleteOptions): readonly string[] {
  if (!definition.strategy.orphansByDefault || propagation !== undefined) return [];
  return [
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  ];
}
