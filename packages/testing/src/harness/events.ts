/** Kubernetes Events about an object, as `kubectl describe` would list them. */
import type { Access } from '../control-plane/access.js';
import { TestServerError } from '../control-plane/error.js';
import { type ApiList, type ApiObject, get } from './api.js';

/** What tests look at; there is more in it. */
export interface TestEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count?: number;
  readonly reportingComponent?: string;
  readonly involvedObject: { readonly kind?: string; readonly name?: string; readonly uid?: string };
}

/** @throws {@link TestServerError} `EVENTS_OF_NOTHING` for an object that was never stored, and so has no uid */
export async function eventsOf(admin: Access, { metadata }: ApiObject): Promise<readonly TestEvent[]> {
  const { uid, namespace = 'default', name } = metadata;
  if (!uid)
    throw new TestServerError(
      'EVENTS_OF_NOTHING',
      `${name ?? 'The object'} has no uid: give it as the API server answered it.`,
    );
  const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.uid=${uid}`;
  return (await get<ApiList<TestEvent>>(admin, path)).items;
}
