import {
  IncumbentError,
  type RequestError,
  isApiError,
  isForbidden,
  isIncumbentError,
  isUnauthorized,
  messageOf,
} from '@incumbent/core/client';

/** A command can't do what it was asked to: the message is for the one who asked, with what to do. `status` is the exit status. */
export class CommandFailure extends IncumbentError {
  readonly status: number | undefined;

  /** @param status - @defaultValue that of failures of the command that was called */
  constructor(message: string, status?: number) {
    super('COMMAND_FAILED', message);
    this.status = status;
  }
}

/** One sentence about whatever went wrong, and another about what to do. */
export function explain(error: unknown): string {
  if (isForbidden(error))
    return `${messageOf(error)}. Ask for a Role with these verbs on "leases" in "coordination.k8s.io", or use another --context.`;
  if (isUnauthorized(error))
    return `The API server does not accept these credentials (${messageOf(error)}): log in again, or use another --context.`;
  if (isRequestError(error))
    return `${messageOf(error)} Another cluster is chosen by --context or --kubeconfig.`;
  return messageOf(error);
}

/** Whether repeating the same won't help. */
export function isFinal(error: unknown): boolean {
  return isApiError(error) && error.statusCode < 500 && error.statusCode !== 429;
}

function isRequestError(error: unknown): error is RequestError {
  return isIncumbentError(error) && 'sent' in error;
}
