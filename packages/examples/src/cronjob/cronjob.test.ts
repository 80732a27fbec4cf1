import { expect, test } from '@jest/globals';
import { Job, keyOf } from '@incumbent/core';
import { replay, type Stage } from '@incumbent/testing/replay';
import { CronJob } from './cron-job.js';
import { CronJobController } from './cron-job-controller.js';

const at = ({ namespace }: Stage) => ({ namespace, name: 'report' });
const template = {
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'report', image: 'report' }] } } },
};
const create = (spec: Partial<CronJob['spec']>) => (stage: Stage) =>
  stage.client.create(CronJob, {
    metadata: at(stage),
    spec: { schedule: '0 * * * *', jobTemplate: template, ...spec } as CronJob['spec'],
  });
const change = (spec: object) => (stage: Stage) =>
  stage.client.patch(CronJob, at(stage), { type: 'merge', patch: { spec } });
const pass = (time: '1h' | '3h') => (stage: Stage) => stage.pass(time);

const jobsOf = async ({ client, namespace }: Stage) =>
  (await client.list(Job, { namespace })).items.filter(({ metadata }) => !metadata.deletionTimestamp);
const hoursOf = async (stage: Stage) =>
  (await jobsOf(stage)).map(({ metadata: { name } }) =>
    new Date(Number(name.split('-')[1]) * 1000).getUTCHours(),
  );

/** What a cluster does with Jobs: they end. */
async function endJobs(stage: Stage): Promise<void> {
  for (const job of await jobsOf(stage)) {
    if (job.status?.conditions?.length) continue;
    const time = stage.clock
      .wall()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const condition = (type: string) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
      lastProbeTime: time,
    });
    const status = {
      startTime: time,
      completionTime: time,
      succeeded: 1,
      conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
    };
    await stage.client.patch(
      Job,
      keyOf(job),
      { type: 'merge', patch: { status } },
      { subresource: 'status' },
    );
  }
}

test('Jobs start when they are due and are kept as many as wanted, none while suspended, whatever goes wrong at any write', async () => {
  const report = await replay(CronJobController, {
    resources: [CronJob],
    world: endJobs,
    steps: [
      create({ successfulJobsHistoryLimit: 2 }),
      pass('3h'),
      async (stage) => expect((await hoursOf(stage)).toSorted((a, b) => a - b)).toEqual([2, 3]),
      change({ suspend: true }),
      pass('3h'),
      async (stage) => expect((await hoursOf(stage)).toSorted((a, b) => a - b)).toEqual([2, 3]),
      // Of the runs that were missed, the latest is made up for.
      change({ suspend: false }),
      async (stage) => expect((await hoursOf(stage)).toSorted((a, b) => a - b)).toEqual([3, 6]),
    ],
    extraReconciles: 6,
  });
  expect(report.writes).toBeGreaterThan(10);
}, 300_000);

test('a run that comes too late is skipped, and one that would run beside another waits for it or replaces it', async () => {
  await replay(CronJobController, {
    resources: [CronJob],
    steps: [
      create({ concurrencyPolicy: 'Forbid' }),
      pass('3h'),
      // Nobody ends them: the first one is still at it.
      async (stage) => expect(await hoursOf(stage)).toEqual([1]),
      change({ concurrencyPolicy: 'Replace' }),
      async (stage) => expect(await hoursOf(stage)).toEqual([3]),
      change({ suspend: true, startingDeadlineSeconds: 60 }),
      pass('1h'),
      (stage) => stage.pass('10m'),
      change({ suspend: false }),
      async (stage) => expect(await hoursOf(stage)).toEqual([3]),
    ],
    extraReconciles: 6,
  });
}, 300_000);
