/** Children that are made in order, kept and taken away again, and writes that send no more than what changed. On the API server that `INCUMBENT_TEST_SERVER` names. */
import { describe, expect, test } from '@jest/globals';
import {
  alone,
  Client,
  ConfigMap,
  connect,
  Controller,
  createOrPatch,
  customResourceDefinition,
  dependent,
  Dependents,
  defineResource,
  Deployment,
  isIncumbentError,
  isNotFound,
  Operator,
  patchObject,
  patchStatus,
  type ReconcileContext,
  type Reconciler,
  type ReconcileResult,
  type ResourceOf,
  setCondition,
  Service,
  silentLogger,
  type Writer,
} from '@incumbent/core';
import { testEnvironment } from '@incumbent/testing/jest';
import { z } from 'zod';

const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.int().optional(),
});
const Page = defineResource({
  group: 'test.incumbent.dev',
  version: 'v1',
  kind: 'Page',
  spec: z.object({ html: z.string(), exposed: z.boolean().default(false) }),
  status: z.object({ conditions: z.array(Condition).optional(), passes: z.int().optional() }),
});
type Page = ResourceOf<typeof Page>;

const html = dependent(ConfigMap, {
  of: Page,
  desired: (page) => ({ data: { 'index.html': page.spec.html } }),
});
const deployment = dependent(Deployment, {
  of: Page,
  after: [html],
  desired: ({ metadata: { name } }) => ({
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'nginx' }] },
      },
    },
  }),
  ready: ({ status }) => status?.readyReplicas === 1,
});
const service = dependent(Service, {
  of: Page,
  after: [deployment],
  desired: ({ spec, metadata: { name } }) =>
    spec.exposed ? { spec: { selector: { app: name }, ports: [{ port: 80 }] } } : undefined,
});
const children = new Dependents(html, deployment, service);

@Controller({ for: Page, owns: children.kinds, name: 'pages' })
class PageController implements Reconciler<Page> {
  async reconcile(page: Page, context: ReconcileContext): Promise<ReconcileResult> {
    const { condition } = await children.reconcile(page, context);
    await patchStatus(context.client, Page, page, (draft) => {
      const conditions = setCondition(page.status?.conditions, condition, context.clock.wall());
      draft.status = { ...draft.status, conditions };
    });
  }
}

const environment = testEnvironment();

async function given() {
  await environment.install(customResourceDefinition(Page));
  const namespace = await environment.namespace();
  const connection = await connect({ kubeconfig: await environment.kubeconfig({ namespace }) });
  environment.defer(() => connection.close());
  const client = new Client(connection).unfenced();
  const key = { namespace, name: 'home' };
  const start = (controller: typeof PageController = PageController) =>
    environment.run(
      new Operator({
        controllers: [controller],
        leadership: alone(),
        namespaces: [namespace],
        connection,
        log: silentLogger,
        http: false,
      }),
    );
  const create = (spec: Partial<Page['spec']> = {}) =>
    client.create(Page, { metadata: key, spec: { html: 'hi', exposed: false, ...spec } });
  const becomeReady = () => client.patch(Deployment, key, ready(1), { subresource: 'status' });
  return { client, key, start, create, becomeReady, connection };
}

function ready(readyReplicas: number) {
  return {
    type: 'merge',
    patch: { status: { replicas: readyReplicas, readyReplicas, observedGeneration: 1 } },
  } as const;
}

describe('dependents', () => {
  test('are made in order, each once those before it are ready, and the condition says what is missing', async () => {
    const { client, key, start, create, becomeReady } = await given();
    start();
    const page = await create({ exposed: true });
    await environment.eventually(async () => {
      expect(await client.get(Deployment, key)).toBeOwnedBy(page, { controller: true });
      const { status } = await client.get(Page, key);
      expect(status?.conditions?.[0]).toMatchObject({
        status: 'False',
        reason: 'DependentsNotReady',
        message: 'Deployment is not ready yet, Service waits for others.',
        observedGeneration: 1,
      });
    });
    await expect(client.get(Service, key)).rejects.toMatchObject({ statusCode: 404 });
    await becomeReady();
    await environment.eventually(async () => {
      expect(await client.get(Service, key)).toBeOwnedBy(page, { controller: true });
      expect(await client.get(Page, key)).toHaveCondition('Ready', 'True', 'DependentsReady');
    });
  }, 40_000);

  test('are healed when somebody changes or deletes them, and fields of others stay', async () => {
    const { client, key, start, create } = await given();
    start();
    await create();
    await environment.eventually(() => client.get(ConfigMap, key));
    await client.patch(ConfigMap, key, {
      type: 'merge',
      patch: { data: { 'index.html': 'broken', other: 'kept' } },
    });
    await environment.eventually(async () =>
      expect((await client.get(ConfigMap, key)).data).toEqual({ 'index.html': 'hi', other: 'kept' }),
    );
    await client.delete(ConfigMap, key);
    await environment.eventually(async () =>
      expect((await client.get(ConfigMap, key)).data).toEqual({ 'index.html': 'hi' }),
    );
  }, 40_000);

  test('that are no longer wanted are deleted', async () => {
    const { client, key, start, create, becomeReady } = await given();
    start();
    const page = await create({ exposed: true });
    await environment.eventually(becomeReady);
    await environment.eventually(() => client.get(Service, key));
    await patchObject(client, Page, page, (draft) => (draft.spec.exposed = false), { exclusive: false });
    await environment.eventually(() =>
      expect(client.get(Service, key)).rejects.toMatchObject({ statusCode: 404 }),
    );
    expect((await client.get(Deployment, key)).metadata.deletionTimestamp).toBeUndefined();
  }, 40_000);

  test('leave alone what somebody else made under their name', async () => {
    const { client, key, start, create } = await given();
    await client.create(ConfigMap, { metadata: key, data: { mine: 'yes' } });
    const failures: unknown[] = [];
    @Controller({ for: Page, owns: children.kinds, name: 'pages' })
    class Telling extends PageController {
      override async reconcile(page: Page, context: ReconcileContext) {
        await super.reconcile(page, context).catch((error: unknown) => failures.push(error));
      }
    }
    start(Telling);
    await create();
    await environment.eventually(() => expect(failures).not.toEqual([]));
    expect(isIncumbentError(failures[0], 'DEPENDENT_TAKEN')).toBe(true);
    expect((await client.get(ConfigMap, key)).data).toEqual({ mine: 'yes' });
  }, 40_000);

  test('that are in place cost no request', async () => {
    const { client, key, start, create } = await given();
    const [writes, passes]: [string[], string[]] = [[], []];
    @Controller({ for: Page, owns: children.kinds, name: 'pages' })
    class Counting extends PageController {
      override async reconcile(page: Page, context: ReconcileContext) {
        await super.reconcile(page, { ...context, client: telling(context.client, writes) });
        passes.push(page.metadata.labels?.['pass'] ?? 'first');
      }
    }
    start(Counting);
    const page = await create();
    await environment.eventually(() => expect(writes).toEqual(['ConfigMap', 'Deployment']));
    const before = await client.get(ConfigMap, key);
    await patchObject(client, Page, page, (draft) => (draft.metadata.labels = { pass: 'second' }), {
      exclusive: false,
    });
    await environment.eventually(() => expect(passes).toContain('second'));
    // A Deployment that the server filled in is still as it was applied.
    expect(writes).toEqual(['ConfigMap', 'Deployment']);
    expect((await client.get(ConfigMap, key)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  }, 40_000);
});

/** Passes on what dependents write, and tells of what they apply. */
function telling(client: Writer, applied: string[]): Writer {
  const methods: Pick<Writer, 'apply' | 'delete' | 'patch'> = {
    apply: (resource, object, options) => {
      applied.push(resource.kind);
      return client.apply(resource, object, options);
    },
    delete: (resource, at, options) => client.delete(resource, at, options),
    patch: (resource, at, patch, options) => client.patch(resource, at, patch, options),
  };
  return methods as Writer;
}

describe('a declaration of dependents', () => {
  const named = (name: string, after: readonly ReturnType<typeof dependent<Page, ConfigMap>>[] = []) =>
    dependent(ConfigMap, { of: Page, name, after, desired: () => ({}) });

  test('is refused when two have one name, or one comes after a stranger', () => {
    expect(() => new Dependents(named('a'), named('a'))).toThrow('Two dependents are called a');
    expect(() => new Dependents(named('b', [named('a')]))).toThrow('a is in an `after`, but is not among');
  });

  test('is refused when it is a circle', () => {
    const after: ReturnType<typeof named>[] = [];
    const first = named('first', after);
    const second = named('second', [first]);
    after.push(second);
    expect(() => new Dependents(first, second)).toThrow('first, second form a circle');
  });
});

describe('a patch by difference', () => {
  test('sends what changed and leaves what others own; without a difference it sends nothing', async () => {
    const { client, key } = await given();
    const before = await client.create(ConfigMap, { metadata: key, data: { a: '1', b: '2' } });
    const after = await patchObject(client, ConfigMap, before, (draft) => {
      draft.data = { ...draft.data, a: '3' };
    });
    expect(after.data).toEqual({ a: '3', b: '2' });
    expect(before.data).toEqual({ a: '1', b: '2' });
    expect(await patchObject(client, ConfigMap, after, () => {})).toBe(after);
  });

  test('is a conflict when somebody else wrote since, unless it need not be exclusive', async () => {
    const { client, key } = await given();
    const before = await client.create(ConfigMap, { metadata: key, data: { a: '1' } });
    await client.patch(ConfigMap, key, { type: 'merge', patch: { data: { b: '2' } } });
    const change = (draft: ConfigMap): void => void (draft.data = { ...draft.data, a: '3' });
    await expect(patchObject(client, ConfigMap, before, change)).rejects.toMatchObject({ statusCode: 409 });
    const after = await patchObject(client, ConfigMap, before, change, { exclusive: false });
    expect(after.data).toEqual({ a: '3', b: '2' });
  });

  test('never meets an object that was deleted and created again under the name', async () => {
    const { client, key } = await given();
    const before = await client.create(ConfigMap, { metadata: key, data: { a: '1' } });
    await client.delete(ConfigMap, key);
    await client.create(ConfigMap, { metadata: key, data: { a: '1' } });
    const change = (draft: ConfigMap): void => void (draft.data = { a: '3' });
    const [outcome] = await Promise.allSettled([
      patchObject(client, ConfigMap, before, change, { exclusive: false }),
    ]);
    expect(outcome.status).toBe('rejected');
    expect((await client.get(ConfigMap, key)).data).toEqual({ a: '1' });
  });
});

test('createOrPatch creates, patches, and leaves alone what is as it should be', async () => {
  const { client, key } = await given();
  const get: ReconcileContext['get'] = (kind, at) =>
    client.get(kind, at).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    }) as ReturnType<ReconcileContext['get']> as never;
  const keep = (text: string) =>
    createOrPatch({ client, get }, ConfigMap, key, (draft) => {
      draft.data = { ...draft.data, text };
    });
  expect(await keep('a')).toMatchObject({ operation: 'created', object: { data: { text: 'a' } } });
  expect(await keep('a')).toMatchObject({ operation: 'unchanged' });
  await client.patch(ConfigMap, key, { type: 'merge', patch: { data: { other: 'x' } } });
  expect(await keep('b')).toMatchObject({
    operation: 'patched',
    object: { data: { text: 'b', other: 'x' } },
  });
});
