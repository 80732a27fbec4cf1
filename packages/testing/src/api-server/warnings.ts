/** Warning headers: what the server says beside its answer. */
import type { ApiResponse } from './http-message.js';

/** The response with one `Warning` header for each text. */
export function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response;
  const lines = [...new Set(warnings)].map((text) => `299 - "${text.replaceAll(/[\\"]/g, '\\$&')}"`);
  return { ...response, headers: { ...response.headers, warning: lines } };
}
