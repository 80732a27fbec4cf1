/** One JSON request to a server of the control plane, on a connection of its own. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { Access } from './access.js';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface JsonRequest {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  /** In milliseconds, for the whole of it. */
  readonly timeout?: number;
}

export async function request(
  access: Access,
  { method = 'GET', path, body, timeout = 10_000 }: JsonRequest,
): Promise<Answer> {
  const url = new URL(path, access.url);
  const content = body === undefined ? undefined : JSON.stringify(body);
  const call = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    agent: false,
    headers: {
      ...(content === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
      ...authorization(access),
    },
    signal: AbortSignal.timeout(timeout),
    ...tlsOptions(access),
  });
  // Once the answer has begun, whoever reads it is told.
  call.on('error', () => {});
  call.end(content);
  const [response] = (await once(call, 'response')) as [http.IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

export function authorization({ token }: Access): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

export function tlsOptions({ ca, clientCertificate }: Access): https.AgentOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate === undefined
      ? {}
      : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  };
}
