/** Waits until a server does what it is there for, or says why it never will. */
import type { Access } from './access.js';
import { TestServerError } from './error.js';
import { host } from './host.js';
import type { Processes } from './processes.js';
import { request } from './request.js';

const POLL_INTERVAL = 25;
const LINES_SHOWN = 8;

export interface Wait {
  readonly processes: Processes;
  readonly name: string;
  /** On the host's monotonic clock. */
  readonly deadline: number;
}

/**
 * Polls `probe` until it gives something.
 *
 * @throws {@link TestServerError} `CONTROL_PLANE_ENDED` if the process ends first, `CONTROL_PLANE_NOT_READY` at the deadline; both with the
 * last lines of its log
 */
export async function until<T>(wait: Wait, probe: () => Promise<T | undefined>): Promise<T> {
  let ending: string | undefined;
  const forget = wait.processes.onceEnded(wait.name, (how) => (ending = how));
  try {
    for (;;) {
      const found = await probe();
      if (found !== undefined) return found;
      if (!wait.processes.isRunning(wait.name))
        throw failed('CONTROL_PLANE_ENDED', wait, ending ?? 'has ended');
      if (host.monotonic() > wait.deadline)
        throw failed('CONTROL_PLANE_NOT_READY', wait, 'was not ready in time');
      await host.sleep(POLL_INTERVAL);
    }
  } finally {
    forget();
  }
}

/** True once the API server says that it is ready, and has made the namespaces that always exist. */
export async function isReady(admin: Access): Promise<true | undefined> {
  const paths = ['/readyz', '/api/v1/namespaces/default', '/api/v1/namespaces/kube-system'];
  for (const path of paths) if (!(await answersOk(admin, path))) return undefined;
  return true;
}

async function answersOk(admin: Access, path: string): Promise<boolean> {
  try {
    return (await request(admin, { path, timeout: 2000 })).status === 200;
  } catch {
    return false;
  }
}

function failed(code: string, { processes, name }: Wait, what: string): TestServerError {
  const lines = processes.log(name).trimEnd().split('\n').slice(-LINES_SHOWN);
  return new TestServerError(code, `${name} ${what}. Its last lines:\n${lines.join('\n')}`);
}
