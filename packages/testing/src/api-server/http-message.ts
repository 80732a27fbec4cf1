/** Requests and responses as the handlers see them: no sockets. */
import type { IncomingHttpHeaders } from 'node:http';
import { prefersYaml } from './negotiation.js';
import type { RequestInfo } from './request-info.js';
import type { User } from './write-context.js';

export interface ApiRequest extends RequestInfo {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly user: User;
}

export type Headers = Readonly<Record<string, string | readonly string[]>>;

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Headers;
  readonly body: string | Buffer;
}

/** Where the events of a watch go. */
export interface Sink {
  write(chunk: Buffer): void;
  end(): void;
}

/** A response that goes on until the client, the server or a deadline ends it. */
export interface StreamResponse {
  readonly stream: {
    readonly contentType: string;
    /** Starts writing, and answers how to stop when the client has gone. */
    start(sink: Sink): () => void;
  };
}

export type AnyResponse = ApiResponse | StreamResponse;

export const isStream = (response: AnyResponse): response is StreamResponse => 'stream' in response;

/** Programs that people look at get indented JSON, as does `?pretty`. */
export function wantsPretty({ query, headers }: ApiRequest): boolean {
  const asked = query.get('pretty');
  if (asked !== null) return asked !== 'false' && asked !== '0';
  return /^(curl|Wget|Mozilla\/5\.0)/.test(headers['user-agent'] ?? '');
}

export function jsonResponse(request: ApiRequest, status: number, value: string | object): ApiResponse {
  const pretty = wantsPretty(request);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const body = pretty ? JSON.stringify(JSON.parse(text), null, 2) : `${text}\n`;
  // JSON is YAML, too.
  const type = prefersYaml(request.headers.accept) ? 'application/yaml' : 'application/json';
  return { status, headers: { 'content-type': type }, body };
}

export function textResponse(status: number, body: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body,
  };
}

/** The part of the User-Agent that names a field manager. */
export function userAgentOf({ headers }: ApiRequest): string {
  return headers['user-agent'] ?? '';
}
