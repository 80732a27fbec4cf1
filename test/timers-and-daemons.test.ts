/** Timers and daemons in two replicas, on the API server that `INCUMBENT_TEST_SERVER` names: with a lease that is lost, and one that is handed over. */
import { beforeEach, expect, test } from '@jest/globals';
import {
  aborted,
  Client,
  connect,
  ContainerModule,
  Controller,
  customResourceDefinition,
  Daemon,
  defineResource,
  Finalizer,
  inject,
  Lease,
  Operator,
  patchStatus,
  type ReconcileContext,
  type Reconciler,
  type ResourceOf,
  silentLogger,
  sleep,
  Timer,
} from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { testEnvironment } from '@incumbent/testing/jest';
import { z } from 'zod';

const environment = testEnvironment();

const Volume = defineResource({
  group: 'test.incumbent.dev',
  version: 'v1',
  kind: 'Volume',
  spec: z.object({ size: z.int() }),
  status: z.object({ looks: z.int().optional() }),
});
type Volume = ResourceOf<typeof Volume>;

interface Stretch {
  readonly replica: string;
  readonly name: string;
  readonly term: number;
  readonly from: number;
  to: number;
}

/** What the daemons of all replicas did, and what was cleaned up after them. */
const stretches: Stretch[] = [];
const cleaned: { readonly name: string; readonly at: number }[] = [];
beforeEach(() => {
  stretches.length = 0;
  cleaned.length = 0;
});

const running = () => stretches.filter(({ to }) => to === Number.POSITIVE_INFINITY);
const namesOf = (all: readonly Stretch[]) =>
  all.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b));

@Controller({ for: Volume, labelSelector: 'watched!=no' })
class VolumeController implements Reconciler<Volume> {
  constructor(@inject('replica') private readonly replica: string) {}

  async reconcile(_volume: Volume, _context: ReconcileContext): Promise<void> {}

  @Timer('200ms')
  async look(volume: Volume, { client, cache, key }: ReconcileContext): Promise<void> {
    const latest = cache.get(Volume, key) ?? volume;
    await patchStatus(client, Volume, latest, (draft) => {
      draft.status = { looks: (latest.status?.looks ?? 0) + 1 };
    });
  }

  @Daemon()
  async follow({ metadata: { name } }: Volume, { signal, term, clock }: ReconcileContext): Promise<void> {
    const from = performance.now();
    const stretch = { replica: this.replica, name, term: term.number, from, to: Number.POSITIVE_INFINITY };
    stretches.push(stretch);
    await aborted(signal);
    // It takes a while to let go of what it has.
    await sleep(clock, 300);
    stretch.to = performance.now();
  }

  @Finalizer('test.incumbent.dev/volume')
  async cleanup({ metadata: { name } }: Volume): Promise<void> {
    cleaned.push({ name, at: performance.now() });
  }
}

async function given() {
  await environment.install(customResourceDefinition(Volume));
  const namespace = await environment.namespace();
  const open = async () => {
    const connection = await connect({ kubeconfig: await environment.kubeconfig({ namespace }) });
    environment.defer(() => connection.close());
    return connection;
  };
  const client = new Client(await open()).unfenced();
  const lease = { namespace, name: 'volumes' };
  const run = async (replica: string) =>
    environment.run(
      new Operator({
        controllers: [VolumeController],
        modules: [new ContainerModule(({ bind }) => void bind('replica').toConstantValue(replica))],
        leadership: leaderElection({ ...lease, preset: 'fast' }),
        namespaces: [namespace],
        connection: await open(),
        log: silentLogger,
        http: false,
      }),
    );
  const replicas = { a: await run('a'), b: await run('b') };
  const at = (name: string) => ({ namespace, name });
  for (const name of ['x', 'y']) await client.create(Volume, { metadata: at(name), spec: { size: 1 } });
  const attended = (names: readonly string[], options?: { timeout: number }) =>
    environment.eventually(() => expect(namesOf(running())).toEqual(names), options);
  await attended(['x', 'y'], { timeout: 15_000 });
  return { client, at, lease, replicas, attended };
}

function overlaps(): Stretch[][] {
  return stretches.flatMap((one, index) =>
    stretches
      .slice(index + 1)
      .filter((other) => other.name === one.name && other.from < one.to && one.from < other.to)
      .map((other) => [one, other]),
  );
}

test('an object that is deleted, leaves the selector or comes back loses its daemon and gets it again; cleanup comes after it', async () => {
  const { client, at, attended } = await given();
  const label = (watched: string | null) =>
    client.patch(Volume, at('x'), { type: 'merge', patch: { metadata: { labels: { watched } } } });
  await label('no');
  await attended(['y']);
  await label(null);
  await attended(['x', 'y']);
  await client.delete(Volume, at('y'));
  await environment.eventually(() => expect(cleaned).toHaveLength(1));
  expect(cleaned[0]?.at).toBeGreaterThanOrEqual(stretches.find(({ name }) => name === 'y')?.to ?? Infinity);
  await environment.eventually(() =>
    expect(client.get(Volume, at('y'))).rejects.toMatchObject({ statusCode: 404 }),
  );
  await client.create(Volume, { metadata: at('y'), spec: { size: 2 } });
  await attended(['x', 'y']);
  expect(overlaps()).toEqual([]);
}, 60_000);

test('a lease that is lost, and one that is handed over, end all daemons before the next leader starts any', async () => {
  const { client, at, lease, replicas, attended } = await given();
  const looksOf = async () => (await client.get(Volume, at('x'))).status?.looks ?? 0;
  // By a stranger: the leader must stop at once.
  await client.delete(Lease, lease);
  await environment.eventually(() => expect(new Set(stretches.map(({ term }) => term)).size).toBe(2), {
    timeout: 30_000,
  });
  await attended(['x', 'y']);
  const leader = running()[0]?.replica as 'a' | 'b';
  await replicas[leader].stop();
  await attended(['x', 'y'], { timeout: 30_000 });
  expect(running().map(({ replica }) => replica)).not.toContain(leader);
  expect(overlaps()).toEqual([]);
  const looks = await looksOf();
  await environment.eventually(async () => expect(await looksOf()).toBeGreaterThan(looks + 2));
}, 90_000);
