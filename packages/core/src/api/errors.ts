import { IncumbentError, isIncumbentError } from '../kit/error.js';

/** The body of an answer that is not an object: `metav1.Status`. */
export interface Status {
  readonly kind?: 'Status';
  readonly status?: 'Success' | 'Failure';
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly {
      readonly reason?: string;
      readonly message?: string;
      readonly field?: string;
    }[];
  };
}

/** The API server answered with an error. `status.reason` and `statusCode` say which; the message is the server's, for people. */
export class ApiError extends IncumbentError {
  /** HTTP status code; for an ERROR event in a watch the code in its Status. */
  readonly statusCode: number;
  readonly status: Status;
  /** Milliseconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(request: string, statusCode: number, status: Status, retryAfter?: number) {
    super(
      'API_ERROR',
      `${request}: ${status.message ?? `HTTP ${statusCode}`} (${statusCode}${status.reason ? ` ${status.reason}` : ''})`,
    );
    this.statusCode = statusCode;
    this.status = status;
    this.retryAfter = retryAfter ?? inMilliseconds(status.details?.retryAfterSeconds);
  }

  get reason(): string | undefined {
    return this.status.reason;
  }
}

/**
 * No whole answer came. `sent` tells whether the request may have reached the server, and so may have taken effect.
 * Codes: `REQUEST_FAILED`, `REQUEST_TIMEOUT`, `REQUEST_ABORTED` by its signal, `CONNECTION_CLOSED`.
 */
export class RequestError extends IncumbentError {
  readonly sent: boolean;

  constructor(
    code: 'REQUEST_FAILED' | 'REQUEST_TIMEOUT' | 'REQUEST_ABORTED' | 'CONNECTION_CLOSED',
    message: string,
    sent: boolean,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.sent = sent;
  }

  static aborted(request: string, sent: boolean, reason: unknown): RequestError {
    return new RequestError('REQUEST_ABORTED', `${request}: aborted.`, sent, { cause: reason });
  }

  static closed(request: string, sent: boolean): RequestError {
    return new RequestError(
      'CONNECTION_CLOSED',
      `${request}: the connection was closed by close() ${sent ? 'before the answer came' : 'before it was sent'}.`,
      sent,
    );
  }
}

/** Whether the server answered with a Status instead of an object. */
export function isStatus(answer: { readonly kind?: string }): answer is Status {
  return answer.kind === 'Status';
}

export function isApiError(error: unknown): error is ApiError {
  return isIncumbentError(error, 'API_ERROR');
}

export const isNotFound = (error: unknown): error is ApiError => hasReason(error, 404, 'NotFound');
export const isAlreadyExists = (error: unknown): error is ApiError => hasReason(error, 409, 'AlreadyExists');
/** A write lost against another: read again and decide again. */
export const isConflict = (error: unknown): error is ApiError => hasReason(error, 409, 'Conflict');
/** The version asked for is no longer in the server's history: list again. */
export const isGone = (error: unknown): error is ApiError => isApiError(error) && error.statusCode === 410;
export const isForbidden = (error: unknown): error is ApiError => hasReason(error, 403, 'Forbidden');
export const isUnauthorized = (error: unknown): error is ApiError =>
  isApiError(error) && error.statusCode === 401;
export const isInvalid = (error: unknown): error is ApiError => hasReason(error, 422, 'Invalid');
export const isTooManyRequests = (error: unknown): error is ApiError =>
  isApiError(error) && error.statusCode === 429;

function inMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** Codes and reasons, never messages: those change between releases. */
function hasReason(error: unknown, statusCode: number, reason: string): error is ApiError {
  return isApiError(error) && error.statusCode === statusCode && (error.reason ?? reason) === reason;
}
