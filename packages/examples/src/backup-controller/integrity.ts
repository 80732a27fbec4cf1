/** Checks a copied database off the event loop: SQLite reads every page, and a lease can't wait for that. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** `.js` when built, `.ts` when tests run the sources. */
const SCRIPT = new URL(`./integrity-worker${extname(import.meta.url)}`, import.meta.url);

/**
 * What `PRAGMA integrity_check` finds wrong with the database at `path`: nothing, if it is sound.
 *
 * Also turns the file into one that needs no others beside it (journal mode DELETE). Never for a live database.
 *
 * @throws the reason of `signal`, once SQLite has let go of the file: it can't be interrupted inside its check
 */
export async function findDamage(path: string, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const worker = new Worker(SCRIPT, { workerData: path });
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await answerOf(worker);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function answerOf(worker: Worker): Promise<string[]> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new Error(`The integrity check ended without an answer (code ${code}).`)),
    );
  });
}
