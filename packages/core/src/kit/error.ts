import { types } from 'node:util';

const BRAND = Symbol.for('incumbent.dev/error');

/**
 * Base of every error that Incumbent throws. `code` is stable, the message is not.
 *
 * Branded, so that {@link isIncumbentError} holds across duplicate installs and realms, where `instanceof` does not.
 */
export class IncumbentError extends Error {
  readonly [BRAND] = true;
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

export function isIncumbentError(error: unknown, code?: string): error is IncumbentError {
  return (
    typeof error === 'object' &&
    error !== null &&
    BRAND in error &&
    (code === undefined || (error as IncumbentError).code === code)
  );
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error || types.isNativeError(error)) return error.message || error.name;
  return String(error);
}

/** `error` itself if it is an error of any realm, else an error that carries its text. */
export function asError(error: unknown): Error {
  if (error instanceof Error || types.isNativeError(error)) return error;
  return new Error(messageOf(error), { cause: error });
}

/** The `code` that Node and its libraries put on errors, such as `ECONNREFUSED`. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
