import { AsyncLocalStorage } from 'node:async_hooks';

interface Scope {
  readonly lock: string;
  readonly outer: Scope | undefined;
  ended: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs `work` so that {@link isHeldHere} is true in it, and in all that it calls. */
export async function holding<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const scope: Scope = { lock, outer: scopes.getStore(), ended: false };
  try {
    return await scopes.run(scope, work);
  } finally {
    scope.ended = true;
  }
}

/** Whether the caller is part of work that runs under this lock. What the work left running when it ended is not. */
export function isHeldHere(lock: string): boolean {
  for (let scope = scopes.getStore(); scope; scope = scope.outer)
    if (scope.lock === lock && !scope.ended) return true;
  return false;
}
