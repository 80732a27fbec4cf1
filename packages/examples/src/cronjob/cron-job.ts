import { type DeepReadonly, defineResource, type ResourceOf } from '@incumbent/core';
import { z } from 'zod';

/** Starts a Job on a schedule. As the built-in kind of that name, in a group of its own. */
export const CronJob = defineResource({
  group: 'batch.incumbent.dev',
  version: 'v1',
  kind: 'CronJob',
  spec: z.object({
    schedule: z.string().describe('cron expression, UTC'),
    startingDeadlineSeconds: z.int().min(0).optional().describe('later than this a run is skipped'),
    concurrencyPolicy: z.enum(['Allow', 'Forbid', 'Replace']).default('Allow'),
    suspend: z.boolean().default(false),
    successfulJobsHistoryLimit: z.int().min(0).default(3),
    failedJobsHistoryLimit: z.int().min(0).default(1),
    jobTemplate: z
      .object({ spec: z.record(z.string(), z.unknown()) })
      .describe("the Job that is started; its own rules are the server's"),
  }),
  status: z.object({
    active: z.array(z.string()).optional().describe('names of the Jobs that run'),
    lastScheduleTime: z.iso.datetime().optional(),
  }),
  columns: [
    { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
    { name: 'Suspend', type: 'boolean', jsonPath: '.spec.suspend' },
    { name: 'Last Schedule', type: 'date', jsonPath: '.status.lastScheduleTime' },
  ],
});
export type CronJob = ResourceOf<typeof CronJob>;
export type ReadonlyCronJob = DeepReadonly<CronJob>;
