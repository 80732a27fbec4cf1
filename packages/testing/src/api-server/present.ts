/** Objects in the form that the client accepts. */
import type { JsonObject } from '../object/json.js';
import { failure } from '../object/status.js';
import type { Stored } from './collection.js';
import { jsonResponse } from './http-message.js';
import type { ApiRequest, ApiResponse } from './http-message.js';
import { versionOf } from './meta.js';
import { negotiate } from './negotiation.js';
import type { Form } from './negotiation.js';
import type { Resource } from './resource.js';
import { partialMetadata, renderTable } from './table.js';
import type { IncludeObject, TableShape } from './table.js';

export function tableShape(resource: Resource, { query }: ApiRequest, now: Date): TableShape {
  const include = (query.get('includeObject') ?? '') || 'Metadata';
  if (include !== 'None' && include !== 'Metadata' && include !== 'Object') {
    throw failure({
      code: 400,
      reason: 'BadRequest',
      message: `unrecognized includeObject value: ${JSON.stringify(include)}`,
    });
  }
  return { columns: resource.definition.columns, include: include as IncludeObject, now };
}

/** What the cells of a Table are computed from: for built-in kinds, the form that is stored. */
export function rowObject(resource: Resource, object: JsonObject): JsonObject {
  return resource.definition.custom ? object : resource.toStorage(object);
}

export interface Presented {
  readonly status: number;
  readonly object: JsonObject;
  /** Given if the object is just as it is stored: its JSON may be at hand. */
  readonly stored?: Stored | undefined;
}

/** One object as the answer to a get or a write. */
export function presentObject(
  request: ApiRequest,
  resource: Resource,
  { status, object, stored }: Presented,
  now: Date,
): ApiResponse {
  const form = negotiate(request.headers.accept);
  if (form === 'object')
    return jsonResponse(request, status, stored === undefined ? object : resource.json(stored));
  return jsonResponse(request, status, inForm(form, request, resource, object, now));
}

function inForm(
  form: Exclude<Form, 'object'>,
  request: ApiRequest,
  resource: Resource,
  object: JsonObject,
  now: Date,
): JsonObject {
  if (form === 'metadata') return partialMetadata(object);
  const metadata = { resourceVersion: versionOf(object) };
  return renderTable([rowObject(resource, object)], tableShape(resource, request, now), { metadata });
}

export interface Page {
  readonly items: readonly Stored[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
  readonly remaining?: number;
}

/** A page of a collection. */
export function presentList(request: ApiRequest, resource: Resource, page: Page, now: Date): ApiResponse {
  const form = negotiate(request.headers.accept, { streams: true });
  // Lists of custom resources say that there is nothing to continue; others leave it out.
  const none = resource.definition.custom && form === 'object' ? { continue: '' } : {};
  const metadata: JsonObject = {
    resourceVersion: page.resourceVersion,
    ...(page.continueToken === undefined ? none : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  switch (form) {
    case 'table': {
      const rows = page.items.map((stored) => rowObject(resource, resource.view(stored)));
      return jsonResponse(request, 200, renderTable(rows, tableShape(resource, request, now), { metadata }));
    }
    case 'metadata': {
      const items = page.items.map((stored) => partialMetadata(resource.view(stored)));
      const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
      return jsonResponse(request, 200, list);
    }
    case 'object':
      return jsonResponse(request, 200, listJson(resource, page.items, metadata));
  }
}

/** Put together from the JSON of the items, so that no object is written twice. */
function listJson(resource: Resource, items: readonly Stored[], metadata: JsonObject): string {
  const head = JSON.stringify({
    kind: resource.definition.listKind,
    apiVersion: resource.apiVersion,
    metadata,
  });
  return `${head.slice(0, -1)},"items":[${items.map((stored) => resource.itemJson(stored)).join(',')}]}`;
}
