/** What may be sent once more, and when. Pure. */
import type { IncumbentError } from '../kit/error.js';
import { codeOf, isIncumbentError } from '../kit/error.js';
import type { RequestError } from '../api/errors.js';
import { BackOff } from '../kit/back-off.js';
import type { Random } from '../kit/random.js';
import type { HttpRequest, HttpResponse } from './exchange.js';

export type Outcome = { readonly response: HttpResponse } | { readonly error: IncumbentError };

/** As client-go. With the Retry-After of one second that the API server sends, the request's timeout ends it earlier or about then. */
const MOST_AFTER_ANSWERS = 10;
/** Bridges a socket that died while idle and a load balancer that turns to another server; what lasts longer is for the layers above. */
const MOST_AFTER_FAILURES = 3;
const AFTER_FAILURE = { start: 50, cap: 1000, factor: 4, jitter: 0.5 };

/** The connection ended before an answer. */
const CUT = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'UND_ERR_SOCKET']);
/** There was none. */
const UNREACHED = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Milliseconds after which the request may go once more; `undefined` when it may not. */
export function retryDelay(
  method: HttpRequest['method'],
  outcome: Outcome,
  { retries, random }: { readonly retries: number; readonly random: Random },
): number | undefined {
  if ('error' in outcome) {
    if (retries >= MOST_AFTER_FAILURES || !mayGoAgain(method, outcome.error)) return undefined;
    let backOff = new BackOff(AFTER_FAILURE, random);
    for (let step = 0; step < retries; step++) backOff = backOff.next();
    return backOff.duration;
  }
  const wait = retryAfterOf(outcome.response);
  if (wait === undefined || retries >= MOST_AFTER_ANSWERS) return undefined;
  const { status } = outcome.response;
  // A 429 was turned away at the door. A 5xx may have failed half way: a write could take effect twice.
  const mayAgain = status === 429 || (status >= 500 && method === 'GET');
  // Everybody who was turned away is told the same second.
  return mayAgain ? wait * (1 + random.next() / 4) : undefined;
}

/** Milliseconds that the server asks to wait for. */
export function retryAfterOf({ headers }: Pick<HttpResponse, 'headers'>): number | undefined {
  const header = headers['retry-after'];
  const seconds = header === undefined || header === '' ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function mayGoAgain(method: HttpRequest['method'], error: IncumbentError): boolean {
  if (!isIncumbentError(error, 'REQUEST_FAILED')) return false;
  const code = codeOf(error.cause) ?? '';
  if (UNREACHED.has(code)) return true;
  return CUT.has(code) && (method === 'GET' || !(error as RequestError).sent);
}
