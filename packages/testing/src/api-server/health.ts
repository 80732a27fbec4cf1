/** The health endpoints: a server that answers at all is well. */
import { textResponse } from './http-message.js';
import type { ApiRequest, ApiResponse } from './http-message.js';

const endpoints = ['healthz', 'livez', 'readyz'];
const checks = ['ping', 'log', 'etcd'];

export const healthPaths: readonly string[] = endpoints.flatMap((endpoint) => [
  `/${endpoint}`,
  ...checks.map((check) => `/${endpoint}/${check}`),
]);

/** The answer for a health endpoint or one of its checks; undefined for any other path. */
export function checkHealth({ path, query }: ApiRequest): ApiResponse | undefined {
  if (!healthPaths.includes(path)) return undefined;
  const endpoint = path.slice(1);
  if (!endpoints.includes(endpoint) || !query.has('verbose')) return textResponse(200, 'ok');
  const lines = checks.map((check) => `[+]${check} ok\n`).join('');
  return textResponse(200, `${lines}${endpoint} check passed\n`);
}
