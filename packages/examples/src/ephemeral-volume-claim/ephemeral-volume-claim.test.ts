import { expect, test } from '@jest/globals';
import { isNotFound, PersistentVolumeClaim } from '@incumbent/core';
import { replay, type Stage } from '@incumbent/testing/replay';
import { bindVolumes } from '../workloads.fake.js';
import { EphemeralVolumeClaim } from './ephemeral-volume-claim.js';
import { EphemeralVolumeClaimController } from './ephemeral-volume-claim-controller.js';

const at = ({ namespace }: Stage) => ({ namespace, name: 'scratch' });
const create = (spec: EphemeralVolumeClaim['spec']) => (stage: Stage) =>
  stage.client.create(EphemeralVolumeClaim, {
    metadata: { ...at(stage), labels: { team: 'red', tier: 'batch' } },
    spec,
  });
const change = (stage: Stage, patch: Readonly<Record<string, unknown>>) =>
  stage.client.patch(EphemeralVolumeClaim, at(stage), { type: 'merge', patch });
const volumeOf = (stage: Stage) => stage.client.get(PersistentVolumeClaim, at(stage));

test('a volume grows with its claim, follows its labels without touching others, and goes with it when its time is over', async () => {
  const report = await replay(EphemeralVolumeClaimController, {
    resources: [EphemeralVolumeClaim],
    world: bindVolumes,
    steps: [
      create({ size: '1Gi' }),
      async (stage) => {
        expect((await volumeOf(stage)).metadata.labels).toEqual({ team: 'red', tier: 'batch' });
        const patch = { metadata: { labels: { backup: 'daily' } } };
        await stage.client.patch(PersistentVolumeClaim, at(stage), { type: 'merge', patch });
        await change(stage, {
          spec: { size: '2Gi' },
          metadata: { labels: { team: 'blue', tier: null, cost: 'low' } },
        });
      },
      async (stage) => {
        const { metadata, spec } = await volumeOf(stage);
        expect(metadata.labels).toEqual({ team: 'blue', cost: 'low', backup: 'daily' });
        expect(spec?.resources?.requests).toEqual({ storage: '2Gi' });
        const { status } = await stage.client.get(EphemeralVolumeClaim, at(stage));
        expect(status).toMatchObject({ capacity: '2Gi', conditions: [{ type: 'Ready', status: 'True' }] });
        await change(stage, { spec: { lifetimeSeconds: 1 } });
      },
      async (stage) => {
        await expect(volumeOf(stage).catch(isNotFound)).resolves.toBe(true);
      },
    ],
  });
  expect(report.writes).toBeGreaterThanOrEqual(5);
}, 60_000);

test('a size that is none is said, and not tried again before it changes', async () => {
  const report = await replay(EphemeralVolumeClaimController, {
    resources: [EphemeralVolumeClaim],
    steps: [
      create({ size: 'huge' }),
      async (stage) => {
        const { status } = await stage.client.get(EphemeralVolumeClaim, at(stage));
        expect(status?.conditions).toMatchObject([{ status: 'False', reason: 'InvalidSize' }]);
        await expect(volumeOf(stage).catch(isNotFound)).resolves.toBe(true);
        await change(stage, { spec: { size: '1Gi' } });
      },
      async (stage) => {
        expect((await volumeOf(stage)).spec?.resources?.requests).toEqual({ storage: '1Gi' });
      },
    ],
  });
  expect(report.reconciles).toBeLessThanOrEqual(4);
}, 60_000);
