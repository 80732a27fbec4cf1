import {
  ConfigMap,
  Controller,
  Operator,
  type ReconcileContext,
  type Reconciler,
  type ResourceOf,
  controllerReference,
  defineResource,
} from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import { z } from 'zod';

const Greeting = defineResource({
  group: 'example.incumbent.dev',
  version: 'v1',
  kind: 'Greeting',
  spec: z.object({ to: z.string() }),
  status: z.object({ said: z.string() }),
});
type Greeting = ResourceOf<typeof Greeting>;

@Controller({ for: Greeting, owns: [ConfigMap] })
class GreetingController implements Reconciler<Greeting> {
  async reconcile(greeting: Greeting, { client, key }: ReconcileContext): Promise<void> {
    const said = `Hello ${greeting.spec.to}!`;
    const ownerReferences = [controllerReference(Greeting, greeting, key)];
    await client.apply(
      ConfigMap,
      { metadata: { ...key, ownerReferences }, data: { said } },
      { fieldManager: 'greeter' },
    );
    if (greeting.status?.said !== said)
      await client.updateStatus(Greeting, { ...greeting, status: { said } });
  }
}

const operator = new Operator({
  controllers: [GreetingController],
  leadership: leaderElection({ name: 'greeter' }),
});
await operator.run({ signals: ['SIGTERM', 'SIGINT'] });
