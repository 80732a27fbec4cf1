import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  alone,
  Client,
  ConfigMap,
  connect,
  type Connection,
  Controller,
  controllerReference,
  CustomResourceDefinition,
  customResourceDefinition,
  defineResource,
  Finalizer,
  isAlreadyExists,
  isNotFound,
  type LogFields,
  Namespace,
  Operator,
  type OperatorOptions,
  type ReconcileContext,
  type Reconciler,
  type ReconcileResult,
  type ResourceOf,
  resource,
  silentLogger,
  sleep,
  systemClock,
} from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { EmbeddedApiServer } from '@incumbent/testing';
import { z } from 'zod';

const Greeting = defineResource({
  group: 'test.incumbent.dev',
  version: 'v1',
  kind: 'Greeting',
  spec: z.object({ to: z.string().min(1), times: z.int().min(1).default(2) }),
  status: z.object({ said: z.string().optional(), by: z.string().optional() }),
  columns: [{ name: 'To', type: 'string', jsonPath: '.spec.to' }],
});
type Greeting = ResourceOf<typeof Greeting>;

const cleaned: string[] = [];

/** Keeps a config map beside each greeting. */
@Controller({ for: Greeting, owns: [ConfigMap] })
class GreetingController implements Reconciler<Greeting> {
  async reconcile(
    greeting: Greeting,
    { client, cache, events, key, term }: ReconcileContext,
  ): Promise<ReconcileResult> {
    const data = { text: Array(greeting.spec.times).fill(`hello ${greeting.spec.to}`).join(', ') };
    if (cache.get(ConfigMap, key)?.data?.['text'] !== data.text) {
      const metadata = { ...key, ownerReferences: [controllerReference(Greeting, greeting, key)] };
      await client.apply(ConfigMap, { metadata, data }, { fieldManager: 'greeter', force: true });
      events.normal('Greeted', `Said ${data.text}.`);
    }
    if (greeting.status?.said === data.text) return;
    await client.updateStatus(Greeting, { ...greeting, status: { said: data.text, by: term.token } });
  }

  @Finalizer('test.incumbent.dev/farewell')
  async cleanup(greeting: Greeting): Promise<ReconcileResult> {
    cleaned.push(greeting.metadata.name);
  }
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  cleaned.length = 0;
});

async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
): Promise<T> {
  for (let waited = 0; waited < 10_000; waited += 10) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(systemClock, 10);
  }
  throw new Error(`never saw ${what}`);
}

async function given() {
  const server = await EmbeddedApiServer.start();
  ends.push(() => server.stop());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'operator-'));
  ends.push(() => rm(folder, { recursive: true }));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await server.writeKubeconfig(kubeconfig);
  const connection = async (): Promise<Connection> => {
    const opened = await connect({ kubeconfig });
    ends.push(() => opened.close());
    return opened;
  };
  const admin = new Client(await connection()).unfenced();
  await admin.create(CustomResourceDefinition, customResourceDefinition(Greeting));
  await admin.create(Namespace, { metadata: { name: 'a' } });
  const start = async (options: Partial<OperatorOptions> = {}) => {
    const lines: (LogFields & { message: string })[] = [];
    const write = (fields: LogFields, message: string) => void lines.push({ ...fields, message });
    const operator = new Operator({
      controllers: [GreetingController],
      leadership: alone(),
      connection: await connection(),
      http: { port: 0, host: '127.0.0.1' },
      log: { ...silentLogger, info: write, warn: write, error: write, child: () => ({ ...silentLogger }) },
      ...options,
    });
    const stop = new AbortController();
    const done = operator.run({ signal: stop.signal });
    const end = async () => {
      stop.abort();
      await done;
    };
    ends.push(end);
    return { operator, end, lines, done };
  };
  const greet = (name: string, to = 'you') =>
    admin.create(Greeting, { metadata: { name, namespace: 'a' }, spec: { to } as never });
  const said = (name: string, text: string) =>
    eventually(async () => {
      const { status } = await admin.get(Greeting, { namespace: 'a', name });
      return status?.said === text ? status : undefined;
    }, `${name} saying ${text}`);
  return { server, admin, start, greet, said };
}

describe('an operator against an API server', () => {
  test('fills in defaults, makes children, heals them, reports in status and Events', async () => {
    const { admin, start, greet, said } = await given();
    await greet('early');
    await start();
    await greet('late', 'all');
    await said('early', 'hello you, hello you');
    await said('late', 'hello all, hello all');
    const key = { namespace: 'a', name: 'early' };
    await admin.delete(ConfigMap, key);
    await eventually(
      () =>
        admin.get(ConfigMap, key).then(
          (map) => map.data?.['text'] === 'hello you, hello you',
          () => false,
        ),
      'the config map again',
    );
    const Event = resource({ group: '', version: 'v1', kind: 'Event' });
    const events = await eventually(async () => {
      const { items } = await admin.list(Event, {
        namespace: 'a',
        fieldSelector: 'involvedObject.name=early',
      });
      return items.length > 0 && items;
    }, 'an Event');
    expect(events[0]).toMatchObject({
      reason: 'Greeted',
      type: 'Normal',
      reportingComponent: 'GreetingController',
    });
  });

  test('cleans up before an object goes, once', async () => {
    const { admin, start, greet, said } = await given();
    await start();
    await greet('x');
    await said('x', 'hello you, hello you');
    const key = { namespace: 'a', name: 'x' };
    expect((await admin.get(Greeting, key)).metadata.finalizers).toEqual(['test.incumbent.dev/farewell']);
    await admin.delete(Greeting, key);
    await eventually(() => admin.get(Greeting, key).then(() => false, isNotFound), 'x gone');
    expect(cleaned).toEqual(['x']);
    // Its child goes with it.
    await eventually(() => admin.get(ConfigMap, key).then(() => false, isNotFound), 'its config map gone');
  });

  test('goes on after its connections were cut, and after the server was restarted', async () => {
    const { server, start, greet, said } = await given();
    await start();
    await greet('one');
    await said('one', 'hello you, hello you');
    server.dropConnections({ watches: true });
    await greet('two');
    await said('two', 'hello you, hello you');
    await server.restart();
    // The sockets of before are dead, which a request may be the first to notice.
    await eventually(() => greet('three').then(() => true, isAlreadyExists), 'a server that takes requests');
    expect(await said('three', 'hello you, hello you')).toHaveProperty('by');
  }, 30_000);

  test('goes on after the history that it needs was lost', async () => {
    const { server, start, greet, said, admin } = await given();
    await start();
    await greet('one');
    await said('one', 'hello you, hello you');
    server.dropConnections({ watches: true });
    await greet('two');
    await admin.delete(Greeting, { namespace: 'a', name: 'one' });
    server.compact();
    await said('two', 'hello you, hello you');
    await eventually(() => cleaned.length > 0, 'the cleanup of one');
    expect(cleaned).toEqual(['one']);
  }, 30_000);

  test('refuses to start for a kind that is not served, and for one in another scope', async () => {
    const { start } = await given();
    const Absent = resource({ group: 'absent.incumbent.dev', version: 'v1', kind: 'Absent' });
    const Unscoped = resource({ group: '', version: 'v1', kind: 'ConfigMap', scope: 'Cluster' });
    @Controller({ for: Absent })
    class OfAbsent implements Reconciler {
      async reconcile(): Promise<void> {}
    }
    @Controller({ for: Unscoped })
    class OfUnscoped implements Reconciler {
      async reconcile(): Promise<void> {}
    }
    const failure = async (controller: typeof OfAbsent) => {
      const { done } = await start({ controllers: [controller] });
      ends.pop();
      return await done.catch((error: unknown) => error);
    };
    expect(await failure(OfAbsent)).toMatchObject({ code: 'RESOURCE_ABSENT' });
    expect(await failure(OfUnscoped)).toMatchObject({ code: 'RESOURCE_SCOPE' });
  });

  test('settles: once everything is as it should be, nothing more is written', async () => {
    const { server, start, greet, said } = await given();
    await start();
    for (let i = 0; i < 20; i++) await greet(`g${i}`);
    for (let i = 0; i < 20; i++) await said(`g${i}`, 'hello you, hello you');
    await sleep(systemClock, 300);
    const before = server.revision;
    await sleep(systemClock, 300);
    expect(server.revision).toBe(before);
    // Finalizer, config map, status: one write each, and the object itself.
    const writes = server.journal.filter(({ resource }) => JSON.stringify(resource).includes('greetings'));
    expect(writes.length).toBeLessThanOrEqual(20 * 3);
  });

  test('a schema that the server would refuse never gets that far, and one that it takes refuses bad objects', async () => {
    const { greet } = await given();
    await expect(greet('x', '')).rejects.toMatchObject({ statusCode: 422, reason: 'Invalid' });
  });
});

describe('two replicas with an election', () => {
  test('only one works; when it stops, the other takes over at once, caches warm, and finishes what is new', async () => {
    const { start, greet, said, admin } = await given();
    const leadership = leaderElection({ name: 'greeter', namespace: 'a', preset: 'fast' });
    const one = await start({ leadership });
    await greet('x');
    const first = await said('x', 'hello you, hello you');
    const two = await start({ leadership });
    await eventually(
      () =>
        two.operator.address &&
        fetch(`http://127.0.0.1:${two.operator.address.port}/readyz`).then(({ ok }) => ok),
      'a ready follower',
    );
    await one.end();
    await greet('y');
    const second = await said('y', 'hello you, hello you');
    expect(BigInt(second.by ?? 0)).toBeGreaterThan(BigInt(first.by ?? 0));
    // What the first one did is not done again.
    expect((await admin.get(Greeting, { namespace: 'a', name: 'x' })).status?.by).toBe(first.by);
    const { body } = await fetch(`http://127.0.0.1:${two.operator.address?.port}/metrics`).then(
      async (answer) => ({ body: await answer.text() }),
    );
    expect(body).toMatch(/^leader_election_master_status\{.*\} 1$/m);
  });
});
