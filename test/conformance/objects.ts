/** Objects and paths that the claims use. */
import type { JsonObject } from './raw-http.js';

export interface Meta extends JsonObject {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Of a list that is not complete. */
  readonly continue?: string;
}

export const coreV1 = (namespace: string, resource: string, name?: string): string =>
  `/api/v1/namespaces/${namespace}/${resource}${name === undefined ? '' : `/${name}`}`;

export const leases = (namespace: string, name?: string): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases${name === undefined ? '' : `/${name}`}`;

export function configMap(name: string, more: { metadata?: object; data?: object } = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', ...more, metadata: { name, ...more.metadata } } as JsonObject;
}

export function lease(
  name: string,
  spec: object = { holderIdentity: 'a' },
  metadata: object = {},
): JsonObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...metadata },
    spec,
  } as JsonObject;
}

export function metaOf(object: JsonObject): Meta {
  return object['metadata'] as Meta;
}

export function namesOf(list: JsonObject): string[] {
  return (list['items'] as readonly JsonObject[]).map((item) => metaOf(item).name);
}

/** What every failure's body has; `details` are part of it unless they are absent. */
export function failure(code: number, reason: string, message: unknown, details?: object): object {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  return details === undefined ? status : { ...status, details };
}

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** The causes of a 422, or of an apply that conflicts. */
export function causesOf(status: JsonObject): readonly JsonObject[] {
  const details = status['details'] as JsonObject | undefined;
  return (details?.['causes'] ?? []) as readonly JsonObject[];
}

/** A value as it stands in a claim: text as it is, all else as JSON. */
export const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
