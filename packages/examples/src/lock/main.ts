/**
 * Brings the ConfigMap "settings" to version 2, once, however many replicas of a service start it before they serve: version 1 had
 * everything in one text, version 2 has a key for each setting.
 *
 *   node dist/lock/main.js
 */
import { Client, ConfigMap, type Term, connect } from '@incumbent/core/client';
import { migrateOnce } from './migrate-once.js';

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());

const connection = await connect();
const { namespace } = connection;
const client = new Client(connection);
const isOurs = await migrateOnce({
  connection,
  namespace,
  name: 'settings-schema',
  version: '2',
  migrate: splitSettings,
  signal: stopping.signal,
});
process.stdout.write(isOurs ? 'Migrated to version 2.\n' : 'Version 2 was there.\n');
await connection.close();

/** Under the term: after the lock is lost, nothing is written. A migration that broke off is done again, so it must bear that. */
async function splitSettings(term: Term): Promise<void> {
  const settings = await client.get(ConfigMap, { namespace, name: 'settings' });
  const { 'settings.ini': text, ...others } = settings.data ?? {};
  if (text === undefined) return;
  const entries = text.split('\n').flatMap((line) => {
    const [, name, value = ''] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value] as const];
  });
  await client
    .under(term)
    .update(ConfigMap, { ...settings, data: { ...others, ...Object.fromEntries(entries) } });
}
