/**
 * A service with a leader, and no operator: every replica answers over HTTP, and one of them counts.
 *
 *   node dist/plain-leader/main.js [PORT]
 */
import http from 'node:http';
import {
  Client,
  ConfigMap,
  type Term,
  connect,
  isNotFound,
  sleep,
  systemClock,
} from '@incumbent/core/client';
import { LeaderElector } from '@incumbent/election';

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());

const connection = await connect();
const client = new Client(connection);
const elector = new LeaderElector({ connection, name: 'plain-leader', preset: 'fast' });
const key = { namespace: connection.namespace, name: 'plain-leader' };

const server = http.createServer((_, response) => {
  const problem = elector.notReady();
  response.statusCode = problem ? 503 : 200;
  response.end(JSON.stringify({ identity: elector.identity, leads: elector.isLeader, problem }));
});
server.listen(Number(process.argv[2] ?? 8080), () => {
  const address = server.address();
  process.stdout.write(`Listening on port ${typeof address === 'object' ? address?.port : address}\n`);
});
await elector.run({ leading: count, signal: stopping.signal });
server.close();
await connection.close();

/** Until the term is lost or somebody wants this to end; every write is refused once the term is over. */
async function count(term: Term): Promise<void> {
  let counted = await countSoFar();
  while (!term.signal.aborted) {
    const data = { count: String((counted += 1)), term: String(term.number), by: elector.identity };
    await client
      .under(term)
      .apply(ConfigMap, { metadata: key, data }, { fieldManager: 'counter', force: true });
    await sleep(systemClock, 200, term.signal);
  }
}

async function countSoFar(): Promise<number> {
  try {
    return Number((await client.get(ConfigMap, key)).data?.['count'] ?? 0);
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
}
