import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  AuthorityLostError,
  Client,
  ConfigMap,
  type Connection,
  Lease,
  type Term,
  connect,
  sleep,
  systemClock,
} from '@incumbent/core/client';
import { type LeaseEvent, Leases, LockLostError, MicroTime, Semaphore, withLock } from '@incumbent/election';
import { EmbeddedApiServer, type Intercept } from '@incumbent/testing';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Short, so that a lapse takes a second. */
const QUICK = { leaseDuration: '1s', renewDeadline: 800, renewInterval: 300, retryPeriod: 100 } as const;

async function given(intercept?: Intercept) {
  const server = await EmbeddedApiServer.start(intercept ? { intercept } : {});
  ends.push(() => server.stop());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'lock-'));
  ends.push(() => rm(folder, { recursive: true }));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await server.writeKubeconfig(kubeconfig);
  /** As another process would connect. */
  const connection = async (): Promise<Connection> => {
    const opened = await connect({ kubeconfig });
    ends.push(() => opened.close());
    return opened;
  };
  return { server, connection, client: new Client(await connection()) };
}

const pause = (ms: number): Promise<void> => sleep(systemClock, ms);

describe('locks on an API server', () => {
  test('contenders hold it one after the other, with rising tokens', async () => {
    const { connection } = await given();
    const tokens: bigint[] = [];
    let [inside, most] = [0, 0];
    const contender = async (): Promise<void> => {
      const options = { connection: await connection(), name: 'turns', ...QUICK };
      for (let round = 0; round < 3; round++)
        await withLock(options, async (term) => {
          most = Math.max(most, ++inside);
          tokens.push(BigInt(term.token));
          await pause(10);
          inside--;
        });
    };
    await Promise.all([contender(), contender(), contender(), contender()]);
    expect(most).toBe(1);
    expect(tokens).toHaveLength(12);
    expect(tokens.every((token, index) => index === 0 || token > (tokens[index - 1] as bigint))).toBe(true);
  });

  test('a Lease is removed after its use where asked to', async () => {
    const { connection, client } = await given();
    const own = await connection();
    const names = async (): Promise<string[]> =>
      (await client.list(Lease, { namespace: 'default' })).items.map(({ metadata }) => metadata.name);
    const during = await withLock({ connection: own, name: 'brief', removeAfterUse: true }, names);
    await withLock({ connection: own, name: 'kept' }, names);
    expect(during).toEqual(['brief']);
    expect(await names()).toEqual(['kept']);
  });

  test('who is cut off loses the lock and can’t write under it; the next has it a lease duration later', async () => {
    let cut = '';
    const { connection, client } = await given(({ headers }) =>
      cut && headers['user-agent'] === cut ? new Promise<void>(() => {}) : undefined,
    );
    const first = (await connection()).sibling({ userAgent: 'first' });
    ends.push(() => first.close());
    let begun: (term: Term) => void = () => {};
    const started = new Promise<Term>((resolve) => {
      begun = resolve;
    });
    const lost = withLock({ connection: first, name: 'cut', ...QUICK }, async (term) => {
      begun(term);
      await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
      const late = client.under(term).create(ConfigMap, { metadata: { namespace: 'default', name: 'late' } });
      await expect(late).rejects.toThrow(AuthorityLostError);
      return 'finished';
    });
    const outcome = lost.catch((error: unknown) => error);
    const term = await started;
    cut = 'first';
    const next = await withLock(
      { connection: await connection(), name: 'cut', ...QUICK },
      async ({ token }) => token,
    );
    expect(BigInt(next)).toBeGreaterThan(BigInt(term.token));
    expect(await outcome).toBeInstanceOf(LockLostError);
    expect(await outcome).toMatchObject({ loss: 'expired' });
  });

  test('a semaphore of two lets two in', async () => {
    const { connection } = await given();
    let [inside, most, served] = [0, 0, 0];
    const user = async (): Promise<void> => {
      const gate = new Semaphore({ connection: await connection(), name: 'gate', permits: 2, ...QUICK });
      await gate.run(async () => {
        most = Math.max(most, ++inside);
        await pause(100);
        inside--;
        served++;
      });
    };
    await Promise.all([user(), user(), user(), user(), user()]);
    expect([most, served]).toEqual([2, 5]);
  });
});

describe('leases on an API server', () => {
  test('are created, read, listed, updated and deleted, and lose nothing that others wrote', async () => {
    const { connection, client } = await given();
    const leases = new Leases(await connection()).unfenced();
    const time = MicroTime.parse('2026-01-02T03:04:05.678901Z');
    const key = { namespace: 'default', name: 'mine' };
    const spec = {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      renewTime: time,
      acquireTime: time,
      leaseTransitions: 2,
    };
    await leases.create({ metadata: { ...key, labels: { team: 'x' } }, spec });
    const lease = await leases.get(key);
    expect(lease.spec).toEqual(spec);
    const updated = await leases.update({
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: 'you',
        strategy: 'OldestEmulationVersion',
        preferredHolder: 'p',
      },
    });
    expect(updated.metadata.labels).toEqual({ team: 'x' });
    expect((await client.get(Lease, key)).spec?.renewTime).toBe('2026-01-02T03:04:05.678901Z');
    await expect(leases.update(lease)).rejects.toMatchObject({ statusCode: 409 });
    expect((await leases.list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual([
      'mine',
    ]);
    expect((await leases.list()).items.map(({ metadata }) => metadata.name)).toContain('mine');
    expect((await leases.list({ namespace: 'kube-system' })).items).toEqual([]);
    const { resourceVersion } = lease.metadata;
    await expect(leases.delete(key, { preconditions: { resourceVersion } })).rejects.toMatchObject({
      statusCode: 409,
    });
    await leases.delete(key, { preconditions: { uid: lease.metadata.uid } });
    await expect(leases.get(key)).rejects.toMatchObject({ statusCode: 404 });
    await expect(leases.update(updated)).rejects.toMatchObject({ statusCode: 409 });
    const bare = { ...updated, metadata: { ...updated.metadata, uid: '' } };
    await expect(leases.update(bare)).rejects.toMatchObject({ code: 'LEASE_UNCONDITIONAL' });
  });

  test('are watched one by one, in a namespace and in the cluster, also across a restart of the server', async () => {
    const { connection, server } = await given();
    const leases = new Leases(await connection()).unfenced();
    const stop = new AbortController();
    const seen: Record<string, string[]> = { one: [], namespace: [], cluster: [] };
    const follow = async (name: string, events: AsyncIterable<LeaseEvent>): Promise<void> => {
      for await (const event of events)
        if (event.type === 'applied' || event.type === 'deleted')
          seen[name]?.push(
            `${event.type} ${event.object.metadata.name} ${event.object.spec?.renewTime?.toString() ?? ''}`.trim(),
          );
        else if (event.type === 'replaced') seen[name]?.push(`replaced ${event.items.length}`);
    };
    const { signal } = stop;
    const following = [
      follow('one', leases.watch({ namespace: 'default', name: 'a', signal })),
      follow('namespace', leases.watch({ namespace: 'default', signal })),
      follow('cluster', leases.watch({ signal })),
    ];
    const until = async (what: () => boolean): Promise<void> => {
      for (let waited = 0; !what() && waited < 10_000; waited += 10) await pause(10);
      expect(what()).toBe(true);
    };
    await until(() => Object.values(seen).every((events) => events.length === 1));
    const renewTime = MicroTime.parse('2026-01-02T03:04:05.678901Z');
    await leases.create({ metadata: { namespace: 'default', name: 'a' }, spec: { renewTime } });
    await leases.create({ metadata: { namespace: 'default', name: 'b' } });
    await leases.create({ metadata: { namespace: 'kube-system', name: 'c' } });
    await until(() => seen['cluster']?.length === 4);
    await server.restart();
    await leases.delete({ namespace: 'default', name: 'a' });
    await until(() =>
      Object.values(seen).every((events) => events.some((event) => event.startsWith('deleted a'))),
    );
    stop.abort();
    await Promise.all(following);
    expect(seen['one']).toEqual([
      'replaced 0',
      `applied a ${renewTime.toString()}`,
      `deleted a ${renewTime.toString()}`,
    ]);
    expect(seen['namespace']?.slice(0, 3)).toEqual([
      'replaced 0',
      `applied a ${renewTime.toString()}`,
      'applied b',
    ]);
    expect(seen['cluster']).toContain('applied c');
  });
});

test('the page about locks shows its example as it is compiled', async () => {
  const read = (file: string): Promise<string> => readFile(new URL(`../${file}`, import.meta.url), 'utf8');
  const source = (await read('packages/examples/src/lock/migrate-once.ts')).trim();
  expect(await read('docs/locks.md')).toContain(`\`\`\`ts\n${source}\n\`\`\``);
});
