/** How a reconciler is tested: a real Operator, an API server, and a clock that moves when told. */
import { expect, test } from '@jest/globals';
import {
  alone,
  Client,
  ConfigMap,
  connect,
  Controller,
  controllerReference,
  customResourceDefinition,
  defineResource,
  Operator,
  type ReconcileContext,
  type Reconciler,
  type RequeueAfter,
  type ResourceOf,
  requeueAfter,
  setCondition,
  silentLogger,
} from '@incumbent/core';
import { VirtualClock } from '@incumbent/core/testing';
import { testEnvironment } from '@incumbent/testing/jest';
import { z } from 'zod';

const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
});
const Greeting = defineResource({
  group: 'example.incumbent.dev',
  version: 'v1',
  kind: 'Greeting',
  spec: z.object({ to: z.string() }),
  status: z.object({ conditions: z.array(Condition) }),
});
type Greeting = ResourceOf<typeof Greeting>;

/** The controller of main.ts, grown up: it knows the time of day, and says what it did. */
@Controller({ for: Greeting, owns: [ConfigMap] })
class GreetingController implements Reconciler<Greeting> {
  async reconcile(
    greeting: Greeting,
    { client, clock, events, key }: ReconcileContext,
  ): Promise<RequeueAfter> {
    const said = `${clock.wall().getUTCHours() < 12 ? 'Good morning' : 'Hello'}, ${greeting.spec.to}!`;
    const metadata = { ...key, ownerReferences: [controllerReference(Greeting, greeting, key)] };
    await client.apply(ConfigMap, { metadata, data: { said } }, { fieldManager: 'greeter' });
    const ready = { type: 'Ready', status: 'True', reason: 'Greeted', message: said } as const;
    const conditions = setCondition(greeting.status?.conditions, ready, clock.wall());
    await client.updateStatus(Greeting, { ...greeting, status: { conditions } });
    events.normal('Greeted', said);
    return requeueAfter('1h');
  }
}

const environment = testEnvironment();

test('a greeting is said, and said anew when the time of day has changed', async () => {
  await environment.install(customResourceDefinition(Greeting));
  const namespace = await environment.namespace();
  const connection = await connect({ kubeconfig: await environment.kubeconfig({ namespace }) });
  environment.defer(() => connection.close());
  const [controllers, leadership, log] = [[GreetingController], alone(), silentLogger];
  const clock = new VirtualClock('2026-01-01T11:30:00Z');
  environment.run(new Operator({ controllers, leadership, log, connection, clock, http: false }));

  const client = new Client(connection).unfenced();
  const key = { namespace, name: 'first' };
  const greeting = await client.create(Greeting, { metadata: key, spec: { to: 'world' } });
  await environment.eventually(
    async () => {
      const child = await client.get(ConfigMap, key);
      expect(child.data).toEqual({ said: 'Good morning, world!' });
      expect(child).toBeOwnedBy(greeting, { controller: true });
      expect(await client.get(Greeting, key)).toHaveCondition('Ready', 'True', 'Greeted');
      expect(await environment.eventsOf(greeting)).toHaveEvent({ type: 'Normal', message: /morning/ });
    },
    { clock },
  );

  const saidLater = async () =>
    expect((await client.get(ConfigMap, key)).data).toEqual({ said: 'Hello, world!' });
  await environment.eventually(saidLater, { what: 'another greeting at noon', clock, step: 600_000 });
}, 40_000);
