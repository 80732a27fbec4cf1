/** The small examples in two replicas, on the API server that `INCUMBENT_TEST_SERVER` names, and with a lease that is lost in the middle of the work. */
import { describe, expect, test } from '@jest/globals';
import {
  Client,
  connect,
  type CustomResource,
  customResourceDefinition,
  Deployment,
  Ingress,
  Lease,
  Operator,
  PersistentVolumeClaim,
  type ReconcilerClass,
  silentLogger,
} from '@incumbent/core';
import { leaderElection } from '@incumbent/election';
import {
  EphemeralVolumeClaim,
  EphemeralVolumeClaimController,
  Memcached,
  MemcachedController,
  WebPage,
  WebPageController,
} from '@incumbent/examples/operators';
import { testEnvironment } from '@incumbent/testing/jest';

const environment = testEnvironment();
const TIMEOUT = 60_000;

/** Two replicas of one operator that share a Lease of `fast`, in a namespace of their own. */
async function given(controller: ReconcilerClass, resource: CustomResource) {
  await environment.install(customResourceDefinition(resource));
  const namespace = await environment.namespace();
  const open = async () => {
    const connection = await connect({ kubeconfig: await environment.kubeconfig({ namespace }) });
    environment.defer(() => connection.close());
    return connection;
  };
  const client = new Client(await open()).unfenced();
  const lease = { namespace, name: 'example' };
  for (let replica = 0; replica < 2; replica++)
    environment.run(
      new Operator({
        controllers: [controller],
        leadership: leaderElection({ ...lease, preset: 'fast' }),
        namespaces: [namespace],
        connection: await open(),
        log: silentLogger,
        http: false,
      }),
    );
  const leads = () =>
    environment.eventually(async () => {
      const { spec } = await client.get(Lease, lease);
      expect(spec?.holderIdentity).toBeTruthy();
    });
  /** As if by a stranger: the leader must stop at once, in the middle of whatever it does. */
  const loseLease = () => client.delete(Lease, lease);
  return { client, key: { namespace, name: 'sample' }, leads, loseLease };
}

function running(replicas: number) {
  return {
    type: 'merge',
    patch: { status: { replicas, readyReplicas: replicas, availableReplicas: replicas } },
  } as const;
}

describe('memcached', () => {
  test(
    'gets its servers, grows, and says when they are available',
    async () => {
      const { client, key, leads } = await given(MemcachedController, Memcached);
      await leads();
      await client.create(Memcached, { metadata: key, spec: { size: 1, containerPort: 11_211 } });
      await environment.eventually(() =>
        client.patch(Deployment, key, running(1), { subresource: 'status' }),
      );
      await environment.eventually(async () =>
        expect(await client.get(Memcached, key)).toHaveCondition('Available', 'True', 'Serving'),
      );
      await client.patch(Memcached, key, { type: 'merge', patch: { spec: { size: 3 } } });
      await environment.eventually(async () =>
        expect(await client.get(Memcached, key)).toHaveCondition('Available', 'False', 'Scaling'),
      );
      await client.patch(Deployment, key, running(3), { subresource: 'status' });
      await environment.eventually(async () =>
        expect(await client.get(Memcached, key)).toHaveCondition('Available', 'True', 'Serving'),
      );
    },
    TIMEOUT,
  );

  test(
    'is finished by the next leader when the lease is lost in the middle of a reconcile',
    async () => {
      const { client, key, leads, loseLease } = await given(MemcachedController, Memcached);
      await leads();
      await client.create(Memcached, { metadata: key, spec: { size: 2, containerPort: 11_211 } });
      // Between the child and the status.
      await environment.eventually(() => client.get(Deployment, key));
      await loseLease();
      await client.patch(Memcached, key, { type: 'merge', patch: { spec: { size: 3 } } });
      await environment.eventually(
        async () => {
          expect((await client.get(Deployment, key)).spec?.replicas).toBe(3);
          const { metadata, status } = await client.get(Memcached, key);
          expect(status?.conditions?.[0]?.observedGeneration).toBe(metadata.generation);
        },
        { timeout: 30_000 },
      );
    },
    TIMEOUT,
  );
});

describe('a web page', () => {
  test(
    'is served, exposed and hidden again, across a lost lease',
    async () => {
      const { client, key, leads, loseLease } = await given(WebPageController, WebPage);
      await leads();
      await client.create(WebPage, { metadata: key, spec: { html: '<p>Hello</p>', exposed: true } });
      await environment.eventually(() =>
        client.patch(Deployment, key, running(1), { subresource: 'status' }),
      );
      await loseLease();
      await environment.eventually(
        async () => {
          expect((await client.get(Ingress, key)).spec?.rules).toHaveLength(1);
          expect(await client.get(WebPage, key)).toHaveCondition('Ready', 'True', 'DependentsReady');
        },
        { timeout: 30_000 },
      );
      await client.patch(WebPage, key, { type: 'merge', patch: { spec: { exposed: false } } });
      await environment.eventually(() =>
        expect(client.get(Ingress, key)).rejects.toMatchObject({ statusCode: 404 }),
      );
    },
    TIMEOUT,
  );
});

describe('an ephemeral volume claim', () => {
  test(
    'gets a volume, is told what the server refuses, and is deleted by the next leader when its time is over',
    async () => {
      const { client, key, leads, loseLease } = await given(
        EphemeralVolumeClaimController,
        EphemeralVolumeClaim,
      );
      await leads();
      await client.create(EphemeralVolumeClaim, {
        metadata: { ...key, labels: { team: 'red' } },
        spec: { size: '2Gi' },
      });
      await environment.eventually(async () => {
        const { metadata, spec } = await client.get(PersistentVolumeClaim, key);
        expect(metadata.labels).toEqual({ team: 'red' });
        expect(spec?.resources?.requests).toEqual({ storage: '2Gi' });
      });
      const change = (patch: Readonly<Record<string, unknown>>) =>
        client.patch(EphemeralVolumeClaim, key, { type: 'merge', patch });
      await change({ spec: { size: '-1Gi' } });
      await environment.eventually(async () =>
        expect(await client.get(EphemeralVolumeClaim, key)).toHaveCondition('Ready', 'False', 'InvalidSize'),
      );
      // Before a volume is bound its claim can't grow.
      await change({ spec: { size: '3Gi' } });
      await environment.eventually(async () =>
        expect(await client.get(EphemeralVolumeClaim, key)).toHaveCondition('Ready', 'False', 'Refused'),
      );
      expect((await client.get(PersistentVolumeClaim, key)).spec?.resources?.requests).toEqual({
        storage: '2Gi',
      });
      await change({ spec: { lifetimeSeconds: 1 } });
      await loseLease();
      await environment.eventually(
        () => expect(client.get(EphemeralVolumeClaim, key)).rejects.toMatchObject({ statusCode: 404 }),
        { timeout: 40_000 },
      );
    },
    TIMEOUT,
  );
});
