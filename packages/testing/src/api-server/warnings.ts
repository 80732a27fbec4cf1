/** Warning headers: what the server says beside its answer. */
import { StatusError } from '../object/status.js';
import type { ApiResponse } from './http-message.js';

/** The response with one `Warning` header for each text. */
export function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response;
  const lines = [...new Set(warnings)].map((text) => `299 - "${text.replaceAll(/[\\"]/g, '\\$&')}"`);
  const before = response.headers?.['warning'];
  const all = lines.concat(before ?? []);
  return { ...response, headers: { ...response.headers, warning: all } };
}

const ofFailures = new WeakMap<object, readonly string[]>();

/** What `act` answers with these warnings: they are said of a request that fails, too. */
export function warned(warnings: readonly string[], act: () => ApiResponse): ApiResponse {
  try {
    return withWarnings(act(), warnings);
  } catch (error) {
    if (error instanceof StatusError) ofFailures.set(error, [...warnings, ...warningsOfFailure(error)]);
    throw error;
  }
}

export function warningsOfFailure(error: unknown): readonly string[] {
  return (error instanceof StatusError ? ofFailures.get(error) : undefined) ?? [];
}
