/** What the worker thread runs: connects by itself, for a connection belongs to one thread, and takes part in the election. */
import { parentPort, workerData } from 'node:worker_threads';
import { codeOf, connect, messageOf, systemRandom } from '@incumbent/core/client';
import { ElectionOptionsError, resolveTimings } from '../elector/options.js';
import { LeaseClient } from '../lease/lease-client.js';
import { ElectionThread } from './election-thread.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';
import { processClock } from './process-clock.js';

if (!parentPort)
  throw new Error('This file is the worker thread of an election: it can not be run by itself.');
const port = parentPort;
const data = workerData as ThreadData;
const send = (message: FromThread): void => port.postMessage(message);

try {
  const connection = await connect(data.connect);
  assertServer(connection.server.href, data.server);
  const lease = new LeaseClient(connection, data.election, resolveTimings(data.election).attemptTimeout);
  const thread = new ElectionThread({ data, lease, clock: processClock, random: systemRandom, send });
  port.on('message', (message: ToThread) => thread.receive(message));
  await thread.run();
  await connection.close();
  send({ kind: 'stopped' });
} catch (error) {
  send({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
}
port.close();

/** A Lease in another cluster than the one that is written to would protect nothing. */
function assertServer(found: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted === found) return;
  throw new ElectionOptionsError(
    'ELECTION_THREAD_SERVER',
    `The election's thread finds ${found}, but the connection it is for goes to ${wanted}: give leaderElection({ thread: 'worker', connect }) what connect() was given.`,
  );
}
