/** Requests of the harness itself, as the administrator: JSON in, JSON out, refusals as errors. */
import type { Access } from '../control-plane/access.js';
import { TestServerError } from '../control-plane/error.js';
import { type JsonRequest, request } from '../control-plane/request.js';

/** What the harness looks at in any object. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string | undefined;
    readonly uid?: string;
    readonly finalizers?: readonly string[] | undefined;
  };
}

export interface ApiList<T> {
  readonly items: readonly T[];
}

/** Undefined: the answer was one of `unless`. */
export interface AskOptions extends JsonRequest {
  readonly unless?: readonly number[];
}

/** @throws {@link TestServerError} `TEST_ENVIRONMENT_REFUSED` for any answer but 2xx and those in `unless` */
export async function ask<T>(admin: Access, { unless = [], ...sent }: AskOptions): Promise<T | undefined> {
  const { status, body } = await request(admin, sent);
  if (unless.includes(status)) return undefined;
  if (status < 200 || status > 299) throw refused(sent, status, body);
  return JSON.parse(body) as T;
}

export async function get<T>(admin: Access, path: string): Promise<T> {
  return (await ask<T>(admin, { path })) as T;
}

export async function create<T>(admin: Access, path: string, body: object): Promise<T> {
  return (await ask<T>(admin, { method: 'POST', path, body })) as T;
}

function refused({ method = 'GET', path }: JsonRequest, status: number, body: string): TestServerError {
  return new TestServerError(
    'TEST_ENVIRONMENT_REFUSED',
    `The API server answered ${status} to ${method} ${path}: ${messageIn(body)}`,
  );
}

function messageIn(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body.trim();
  }
}
