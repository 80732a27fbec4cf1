import { Worker } from 'node:worker_threads';
import { asError, IncumbentError } from '@incumbent/core/client';
import type { FromThread, ThreadData, ToThread } from './messages.js';

/** A running thread, as the main thread holds it. */
export interface ThreadHandle {
  send(message: ToThread): void;
  /** Ends it in the middle of whatever it does. */
  terminate(): void;
  /** Resolves when it is gone and its last message has been received; to what it died of, if it died. Never rejects. */
  readonly gone: Promise<Error | undefined>;
}

export type StartThread = (data: ThreadData, receive: (message: FromThread) => void) => ThreadHandle;

/** Node runs no TypeScript that imports by `.js`: from the sources, too, the thread runs what was built of them. */
const BUILT = import.meta.url.endsWith('.ts') ? '../../dist/worker/entry.js' : './entry.js';

export const startWorkerThread: StartThread = (data, receive) => {
  const worker = new Worker(new URL(BUILT, import.meta.url), {
    workerData: data,
    name: `election of ${data.election.name}`,
  });
  let died: Error | undefined;
  worker.on('message', receive);
  worker.on('error', (error) => (died = asError(error)));
  const gone = new Promise<Error | undefined>((resolve) => {
    worker.on('exit', (code) => resolve(died ?? (code === 0 ? undefined : exitedWith(code))));
  });
  return {
    send: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
    gone,
  };
};

function exitedWith(code: number): IncumbentError {
  return new IncumbentError('ELECTION_THREAD_ENDED', `it was ended from outside (code ${code})`);
}
