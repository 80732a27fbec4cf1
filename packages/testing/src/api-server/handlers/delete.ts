/** DELETE of one object, and of all that a selection means. */
import { fieldNotSupported } from '../../object/field-error.js';
import type { Json, JsonObject } from '../../object/json.js';
import { badRequest, invalid } from '../../object/status.js';
import { unregisteredKind } from '../claimed-kind.js';
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
import { parseSelection } from '../selection.js';
import { warned } from '../warnings.js';
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
  return warned(warningsOf(resource, options), () =>
    deleteStored(kernel, request, resource, target, { options, context }),
  );
}

function deleteStored(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
  { options, context }: Deleting,
): ApiResponse {
  const stored = kernel.objects.get(resource, target.namespace, target.name);
  const { object, gone } = kernel.deletion.delete(resource, stored, options, context);
  const status = !gone && options.cascades === true ? 202 : 200;
  const whole = !gone || resource.definition.strategy.returnsDeleted;
  return whole
    ? presentObject(request, resource, { status, object }, kernel.environment.now())
    : jsonResponse(request, 200, success(resource, stored));
}

export async function deleteCollection(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): Promise<ApiResponse> {
  const selection = parseListOptions(request, false);
  parseSelection(resource, selection);
  const { options, context } = parse(request, target);
  const page = await readPage(kernel, resource, selection, target.namespace);
  if ('token' in page) return expiredToken(request, page.error, page.token);
  return warned(warningsOf(resource, options), () => {
    for (const { namespace, name } of page.items) {
      const stored = kernel.objects.find(resource, namespace, name);
      if (stored !== undefined) kernel.deletion.delete(resource, stored, options, context);
    }
    return presentList(request, resource, page, kernel.environment.now());
  });
}

interface Deleting {
  readonly options: DeleteOptions;
  readonly context: WriteContext;
}

function parse(request: ApiRequest, target: ResourceRequest): Deleting {
  const { options, dryRun } = parseDelete(request);
  // What the query says counts only without a body.
  const query = request.body.length > 0 ? new URLSearchParams() : request.query;
  const write = parseWriteOptions({ ...request, query }, 'DeleteOptions');
  return { options, context: contextOf(request, target, { ...write, dryRun: dryRun || write.dryRun }) };
}

/** Options of the body, or of the query if there is no body. */
function parseDelete(request: ApiRequest): Parsed {
  if (request.body.length > 0) return fromBody(readBody(request, 'DeleteOptions'));
  const { query } = request;
  const grace = parseInteger(query.get('gracePeriodSeconds'));
  return {
    options: {
      propagation: parsePropagation(
        query.get('propagationPolicy') ?? '',
        query.get('orphanDependents') ?? undefined,
      ),
      gracePeriodSeconds: grace,
    },
    dryRun: false,
  };
}

/** @throws StatusError 400 for the options of something else */
function fromBody(body: JsonObject): Parsed {
  const kind = textAt(body, 'kind');
  if (kind !== '' && kind !== 'DeleteOptions') {
    throw badRequest(unregisteredKind(kind, textAt(body, 'apiVersion') || 'meta.k8s.io/v1'));
  }
  const uid = textAt(body, 'preconditions', 'uid');
  const resourceVersion = textAt(body, 'preconditions', 'resourceVersion');
  const grace = valueAt(body, 'gracePeriodSeconds');
  const orphan = valueAt(body, 'orphanDependents');
  return {
    options: {
      uid: uid === '' ? undefined : uid,
      resourceVersion: resourceVersion === '' ? undefined : resourceVersion,
      cascades: orphan === false,
      propagation: parsePropagation(
        textAt(body, 'propagationPolicy'),
        typeof orphan === 'boolean' ? String(orphan) : undefined,
      ),
      gracePeriodSeconds: typeof grace === 'number' ? grace : undefined,
    },
    dryRun: isDryRun(listAt(body, 'dryRun')),
  };
}

/** @throws StatusError 422 for any other word than All */
function isDryRun(words: readonly Json[]): boolean {
  const wrong = words.find((word) => word !== 'All');
  if (wrong === undefined) return words.length > 0;
  throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
    fieldNotSupported('dryRun', words, ['All']),
  ]);
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
