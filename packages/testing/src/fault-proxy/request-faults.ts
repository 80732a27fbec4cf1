/** Faults that strike a request before the server sees it. */
import { host } from '../control-plane/host.js';
import { Fault, type FaultAnswer, type RequestVerdict, type SeenRequest } from './fault.js';
import { RequestFault, type StrikeOptions } from './matching.js';

class AnswerInstead extends RequestFault {
  readonly #answer: FaultAnswer;

  constructor(answer: FaultAnswer, options: StrikeOptions) {
    super(options);
    this.#answer = answer;
  }

  override async onRequest(request: SeenRequest): Promise<RequestVerdict | undefined> {
    return this.strikesAt(request) ? this.#answer : undefined;
  }
}

export interface ServerErrorOptions extends StrikeOptions {
  /** @defaultValue 500 */
  readonly status?: number;
  readonly message?: string;
}

/** Requests are answered with an error of the server, and not passed on. */
export function serverError({
  status = 500,
  message = 'a fault of the test',
  ...options
}: ServerErrorOptions = {}): Fault {
  const reasons: Record<number, string> = { 500: 'InternalError', 503: 'ServiceUnavailable', 504: 'Timeout' };
  const text = `Internal error occurred: ${message}`;
  return new AnswerInstead(statusAnswer({ status, reason: reasons[status] ?? '', message: text }), options);
}

export interface TooManyRequestsOptions extends StrikeOptions {
  /** Whole seconds. @defaultValue 1 */
  readonly retryAfter?: number;
}

/** Requests are turned away with 429 and `Retry-After`, and not passed on. */
export function tooManyRequests({ retryAfter = 1, ...options }: TooManyRequestsOptions = {}): Fault {
  const message = 'Too many requests, please try again later.';
  return new AnswerInstead(
    statusAnswer({ status: 429, reason: 'TooManyRequests', message, retryAfter }),
    options,
  );
}

class DelayedRequest extends RequestFault {
  readonly #by: number;

  constructor(by: number, options: StrikeOptions) {
    super(options);
    this.#by = by;
  }

  override async onRequest(request: SeenRequest, lifted: AbortSignal): Promise<undefined> {
    if (this.strikesAt(request)) await host.pause(this.#by, lifted);
  }
}

export interface DelayOptions extends StrikeOptions {
  /** Milliseconds. @defaultValue until the fault is lifted */
  readonly by?: number;
}

/** Requests reach the server late. Lifting the fault lets those that wait go on. */
export function delayRequests({ by = Infinity, ...options }: DelayOptions = {}): Fault {
  return new DelayedRequest(by, options);
}

export interface LossOptions extends StrikeOptions {
  /** What the client sees: its connection reset, or nothing for as long as it waits. @defaultValue `'reset'` */
  readonly seenAs?: 'reset' | 'silence';
}

class LostRequest extends RequestFault {
  readonly #seenAs: 'reset' | 'silence';

  constructor({ seenAs = 'reset', ...options }: LossOptions) {
    super(options);
    this.#seenAs = seenAs;
  }

  override async onRequest(request: SeenRequest): Promise<RequestVerdict | undefined> {
    return this.strikesAt(request) ? { do: this.#seenAs } : undefined;
  }
}

/** Requests never reach the server. */
export function loseRequests(options: LossOptions = {}): Fault {
  return new LostRequest(options);
}

interface StatusBody {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfter?: number;
}

function statusAnswer({ status, reason, message, retryAfter }: StatusBody): FaultAnswer {
  const details = retryAfter === undefined ? {} : { details: { retryAfterSeconds: retryAfter } };
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...details,
    code: status,
  };
  const wait = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  return {
    do: 'answer',
    status,
    headers: { 'content-type': 'application/json', ...wait },
    body: JSON.stringify(body),
  };
}
