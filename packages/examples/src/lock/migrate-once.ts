import { Client, ConfigMap, type Connection, type Term, isNotFound } from '@incumbent/core/client';
import { withLock } from '@incumbent/election';

export interface Migration {
  readonly connection: Connection;
  readonly namespace: string;
  /** Names the lock, and the ConfigMap that remembers the version. */
  readonly name: string;
  readonly version: string;
  /** Stops when the term's signal aborts: the lock is lost, or somebody wants this to end. */
  readonly migrate: (term: Term) => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Brings something to a version once, however many replicas start at the same time: one of them migrates, the others wait for it
 * and find it done. Resolves to whether it was this one.
 */
export function migrateOnce({ connection, version, migrate, signal, ...key }: Migration): Promise<boolean> {
  return withLock({ connection, ...key, signal, timeout: '10m' }, async (term) => {
    const client = new Client(connection);
    if ((await versionIn(client, key)) === version) return false;
    await migrate(term);
    // Under the term: who lost the lock meanwhile does not say that it is done.
    await client
      .under(term)
      .apply(ConfigMap, { metadata: key, data: { version } }, { fieldManager: 'migration', force: true });
    return true;
  });
}

async function versionIn(
  client: Client,
  key: { readonly namespace: string; readonly name: string },
): Promise<string | undefined> {
  try {
    return (await client.get(ConfigMap, key)).data?.['version'];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
