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
    spec: { schedule: '*/10 * * * *', jobTemplate: template, ...spec } as CronJob['spec'],
  });
const change = (spec: object) => (stage: Stage) =>
  stage.client.patch(CronJob, at(stage), { type: 'merge', patch: { spec } });
const pass = (time: '10m' | '20m' | '30m') => (stage: Stage) => stage.pass(time);

const jobsOf = async ({ client, namespace }: Stage) =>
  (await client.list(Job, { namespace })).items.filter(({ metadata }) => !metadata.deletionTimestamp);
/** Minutes past midnight for which there is a Job. */
const minutesOf = async (stage: Stage) =>
  (await jobsOf(stage))
    .map(({ metadata: { name } }) => new Date(Number(name.split('-')[1]) * 1000).getUTCMinutes())
    .toSorted((a, b) => a - b);

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
      create({ successfulJobsHistoryLimit: 1 }),
      pass('20m'),
      async (stage) => {
        expect(await minutesOf(stage)).toEqual([20]);
        await change({ suspend: true })(stage);
      },
      pass('20m'),
      async (stage) => {
        expect(await minutesOf(stage)).toEqual([20]);
        await change({ suspend: false })(stage);
      },
      // Of the runs that were missed, the latest is made up for.
      async (stage) => expect(await minutesOf(stage)).toEqual([40]),
    ],
    calm: 30_000,
    extraReconciles: 6,
  });
  expect(report.writes).toBeGreaterThan(7);
}, 120_000);

test('a run that comes too late is skipped, and one that would run beside another waits for it or replaces it', async () => {
  await replay(CronJobController, {
    resources: [CronJob],
    steps: [
      create({ concurrencyPolicy: 'Forbid' }),
      pass('30m'),
      async (stage) => {
        // Nobody ends them: the first one is still at it.
        expect(await minutesOf(stage)).toEqual([10]);
        await change({ concurrencyPolicy: 'Replace' })(stage);
      },
      async (stage) => {
        expect(await minutesOf(stage)).toEqual([30]);
        await change({ suspend: true, startingDeadlineSeconds: 60 })(stage);
      },
      pass('10m'),
      change({ suspend: false }),
      async (stage) => expect(await minutesOf(stage)).toEqual([30]),
    ],
    calm: 30_000,
    extraReconciles: 6,
  });
}, 120_000);
