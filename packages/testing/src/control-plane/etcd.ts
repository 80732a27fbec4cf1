/** The store behind the API server, asked directly through its JSON gateway for what the API server has no verb for. */
import type { Access } from './access.js';
import { TestServerError } from './error.js';
import { request } from './request.js';

/**
 * Drops all history of the store: watches and continue tokens from before now are answered 410.
 *
 * @returns the revision before which nothing is left
 */
export async function compactHistory(etcd: Access): Promise<string> {
  const { header } = await call<{ header: { revision: string } }>(etcd, '/v3/kv/range', {
    key: encode('\0'),
  });
  await call(etcd, '/v3/kv/compaction', { revision: header.revision, physical: true });
  return header.revision;
}

async function call<T>(etcd: Access, path: string, body: unknown): Promise<T> {
  const answer = await request(etcd, { method: 'POST', path, body });
  if (answer.status === 200) return JSON.parse(answer.body) as T;
  throw new TestServerError(
    'CONTROL_PLANE_ETCD',
    `etcd answered ${answer.status} to ${path}: ${answer.body}`,
  );
}

function encode(key: string): string {
  return Buffer.from(key).toString('base64');
}

/** From its log: true once it listens for clients. */
export function isServing(log: string): true | undefined {
  return log.includes('"serving client traffic securely"') || undefined;
}
