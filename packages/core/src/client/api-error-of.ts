import { ApiError, type Status } from '../api/errors.js';
import type { HttpResponse } from './exchange.js';

/** The error that an answer is. */
export async function apiErrorOf(name: string, response: HttpResponse): Promise<ApiError> {
  const text = await response.text();
  const seconds = Number(response.headers['retry-after']);
  return new ApiError(
    name,
    response.status,
    statusOf(text),
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
  );
}

/** A Status; some errors, such as that of an unknown API group, are plain text. */
function statusOf(text: string): Status {
  try {
    const body = JSON.parse(text) as Status;
    return body?.kind === 'Status' ? body : { message: text.slice(0, 200) };
  } catch {
    return { message: text.trim().slice(0, 200) };
  }
}
