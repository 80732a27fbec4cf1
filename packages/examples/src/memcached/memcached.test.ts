import { expect, test } from '@jest/globals';
import { Deployment } from '@incumbent/core';
import { replay, type Stage } from '@incumbent/testing/replay';
import { runPods } from '../workloads.fake.js';
import { Memcached } from './memcached.js';
import { MemcachedController } from './memcached-controller.js';

test('a Memcached gets its servers, and more of them when it grows, whatever goes wrong at any write', async () => {
  const key = ({ namespace }: Stage) => ({ namespace, name: 'sample' });
  const report = await replay(MemcachedController, {
    resources: [Memcached],
    world: runPods,
    steps: [
      (stage) =>
        stage.client.create(Memcached, { metadata: key(stage), spec: { size: 1, containerPort: 11_211 } }),
      (stage) => stage.client.patch(Memcached, key(stage), { type: 'merge', patch: { spec: { size: 3 } } }),
      async ({ client, ...stage }) => {
        const { status } = await client.get(Memcached, { namespace: stage.namespace, name: 'sample' });
        expect(status?.conditions?.[0]).toMatchObject({
          type: 'Available',
          status: 'True',
          reason: 'Serving',
        });
        expect(
          (await client.get(Deployment, { namespace: stage.namespace, name: 'sample' })).spec?.replicas,
        ).toBe(3);
      },
    ],
    extraReconciles: 4,
  });
  expect(report.writes).toBeGreaterThanOrEqual(5);
}, 120_000);
