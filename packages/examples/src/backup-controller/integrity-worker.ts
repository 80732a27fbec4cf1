/** The worker of `integrity.ts`. It imports nothing of ours, so that it also runs from its source. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const database = new DatabaseSync(workerData as string);
try {
  // A copy of a database in WAL mode asks for WAL files of its own; an archive is one file that can be read anywhere.
  database.exec('PRAGMA journal_mode = DELETE');
  const rows = database.prepare('PRAGMA integrity_check').all();
  parentPort?.postMessage(rows.map((row) => String(row['integrity_check'])).filter((text) => text !== 'ok'));
} finally {
  database.close();
}
