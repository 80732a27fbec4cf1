import { describe, expect, test } from '@jest/globals';
import {
  ConfigMap,
  Controller,
  controllerReference,
  createOrPatch,
  defineResource,
  dependent,
  Dependents,
  Finalizer,
  patchStatus,
  type ReconcileContext,
  type ReconcilerClass,
  type Reconciler,
  type ReconcileResult,
  type ResourceOf,
} from '@incumbent/core';
import { z } from 'zod';
import { replay, type ReplayError } from './replay.js';
import type { Scenario } from './scenario.js';

const Greeting = defineResource({
  group: 'replay.incumbent.dev',
  version: 'v1',
  kind: 'Greeting',
  spec: z.object({ to: z.string() }),
  status: z.object({ said: z.string().optional(), times: z.int().optional() }),
});
type Greeting = ResourceOf<typeof Greeting>;

const scenario: Scenario = {
  resources: [Greeting],
  steps: [
    ({ client, namespace }) =>
      client.create(Greeting, { metadata: { namespace, name: 'first' }, spec: { to: 'world' } }),
    ({ client, namespace }) =>
      client.patch(Greeting, { namespace, name: 'first' }, { type: 'merge', patch: { spec: { to: 'all' } } }),
  ],
};

async function failureOf(controller: ReconcilerClass, changed: Partial<Scenario> = {}): Promise<ReplayError> {
  return replay(controller, { ...scenario, ...changed }).then(
    (report) => {
      throw new Error(`it stood everything: ${JSON.stringify(report)}`);
    },
    (error: ReplayError) => error,
  );
}

const child = dependent(ConfigMap, {
  of: Greeting,
  desired: ({ spec }) => ({ data: { said: `Hello ${spec.to}!` } }),
});
const children = new Dependents(child);

@Controller({ for: Greeting, owns: children.kinds })
class Careful implements Reconciler<Greeting> {
  async reconcile(greeting: Greeting, context: ReconcileContext): Promise<void> {
    await children.reconcile(greeting, context);
    await patchStatus(context.client, Greeting, greeting, (draft) => {
      draft.status = { said: `Hello ${greeting.spec.to}!` };
    });
  }

  @Finalizer('replay.incumbent.dev/farewell')
  async cleanup(_greeting: Greeting): Promise<ReconcileResult> {}
}

test('a reconciler that stands everything passes, in runs for each fault at each of its writes', async () => {
  const remove: Scenario['steps'][number] = ({ client, namespace }) =>
    client.delete(Greeting, { namespace, name: 'first' });
  // Finalizer, child, status; child, status; finalizer.
  expect(await replay(Careful, scenario)).toMatchObject({ writes: 5, runs: 50 });
  expect(await replay(Careful, { ...scenario, steps: [...scenario.steps, remove] })).toMatchObject({
    writes: 6,
  });
}, 60_000);

describe('a planted fault is found, with the story of how it came about', () => {
  test('a child with a generated name that is made twice when the answer is lost', async () => {
    @Controller({ for: Greeting, owns: [ConfigMap] })
    class Twice implements Reconciler<Greeting> {
      async reconcile(greeting: Greeting, { client, cache, key }: ReconcileContext): Promise<void> {
        if (greeting.status?.said) return;
        const metadata = {
          namespace: key.namespace,
          generateName: 'greeting-',
          ownerReferences: [controllerReference(Greeting, greeting, key)],
        };
        if (cache.list(ConfigMap).length === 0 || !greeting.status)
          await client.create(ConfigMap, { metadata });
        await client.updateStatus(Greeting, { ...greeting, status: { said: 'yes' } });
      }
    }
    const { code, message, fault } = await failureOf(Twice);
    expect(code).toBe('REPLAY_DIVERGED');
    expect(fault).toEqual({ kind: 'crashAfter', write: 1 });
    expect(message).toMatch(/at its write 1, it takes effect, and the process dies/);
    expect(message).toMatch(/ConfigMap replay\/greeting-\*\.1: absent → /);
    expect(message).toMatch(/POST .*configmaps: 201\n.*reconcile 2: Twice of replay\/first/);
  }, 60_000);

  test('a count that is one too high after a retry', async () => {
    let counted = 0;
    @Controller({ for: Greeting })
    class Counts implements Reconciler<Greeting> {
      async reconcile(greeting: Greeting, { client }: ReconcileContext): Promise<void> {
        counted += 1;
        if (greeting.status?.said === greeting.spec.to) return;
        const status = { said: greeting.spec.to, times: (greeting.status?.times ?? 0) + counted };
        await client.updateStatus(Greeting, { ...greeting, status });
      }
    }
    expect((await failureOf(Counts)).code).toBe('REPLAY_DIVERGED');
  }, 60_000);

  test('a refusal that is swallowed', async () => {
    @Controller({ for: Greeting })
    class Swallows implements Reconciler<Greeting> {
      async reconcile(greeting: Greeting, { client }: ReconcileContext): Promise<void> {
        if (greeting.status?.said === greeting.spec.to) return;
        await client
          .updateStatus(Greeting, { ...greeting, status: { said: greeting.spec.to } })
          .catch(() => undefined);
      }
    }
    const { code, fault, message } = await failureOf(Swallows);
    expect([code, fault?.kind]).toEqual(['REPLAY_DIVERGED', 'conflict']);
    expect(message).toContain('FAULT at write 2: it is answered with 409 Conflict');
  }, 60_000);

  test('work that only memory knows of is lost with the process', async () => {
    const seen = new Set<string>();
    @Controller({ for: Greeting, owns: [ConfigMap] })
    class Remembers implements Reconciler<Greeting> {
      async reconcile(greeting: Greeting, context: ReconcileContext): Promise<void> {
        const { uid, generation } = greeting.metadata;
        if (seen.has(`${uid}${generation}`)) return;
        seen.add(`${uid}${generation}`);
        await createOrPatch(
          context,
          ConfigMap,
          context.key,
          (draft) => (draft.data = { to: greeting.spec.to }),
        );
      }
    }
    expect(await failureOf(Remembers)).toMatchObject({ code: 'REPLAY_DIVERGED' });
  }, 60_000);

  test('a reconciler that keeps waking itself never settles', async () => {
    @Controller({ for: Greeting })
    class Restless implements Reconciler<Greeting> {
      async reconcile(greeting: Greeting, { client, clock }: ReconcileContext): Promise<ReconcileResult> {
        await client.updateStatus(Greeting, { ...greeting, status: { times: clock.monotonic() } });
        return { requeueAfter: 1000 };
      }
    }
    const { code, message } = await failureOf(Restless, { steps: scenario.steps.slice(0, 1) });
    expect(code).toBe('REPLAY_UNSETTLED');
    expect(message).toContain('after 30 minutes it still writes');
  }, 60_000);

  test('a fresh process that writes what is there already', async () => {
    let first = true;
    @Controller({ for: Greeting })
    class Touches implements Reconciler<Greeting> {
      readonly #isFirst = first;

      async reconcile(greeting: Greeting, { client, clock }: ReconcileContext): Promise<void> {
        if (greeting.status?.said === greeting.spec.to && !this.#isFirst) {
          const patch = { metadata: { annotations: { touched: clock.wall().toISOString() } } };
          await client.patch(Greeting, { namespace: 'replay', name: 'first' }, { type: 'merge', patch });
        }
        first = false;
        if (greeting.status?.said === greeting.spec.to) return;
        await client.updateStatus(Greeting, { ...greeting, status: { said: greeting.spec.to } });
      }
    }
    expect(await failureOf(Touches)).toMatchObject({ code: 'REPLAY_RESTLESS', fault: undefined });
  }, 60_000);
});
