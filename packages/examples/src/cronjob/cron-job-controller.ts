/** Starts Jobs when they are due, keeps some of those that have ended, and skips what came too late. */
import {
  Controller,
  controllerReference,
  type DeepReadonly,
  isAlreadyExists,
  isNotFound,
  Job,
  keyOf,
  patchStatus,
  type ReconcileContext,
  type ReconcileResult,
  type Reconciler,
  requeueAfter,
  TerminalError,
} from '@incumbent/core';
import { Cron } from 'croner';
import { CronJob, type ReadonlyCronJob } from './cron-job.js';

type ReadonlyJob = DeepReadonly<Job>;

/** On each Job: the time for which it was started. */
const SCHEDULED_AT = 'batch.incumbent.dev/scheduled-at';

@Controller({ for: CronJob, owns: [Job] })
export class CronJobController implements Reconciler<CronJob> {
  async reconcile(cronJob: ReadonlyCronJob, context: ReconcileContext): Promise<ReconcileResult> {
    const { cache, client, clock, events } = context;
    const jobs = cache.owned(Job, cronJob).filter(({ metadata }) => !metadata.deletionTimestamp);
    const active = jobs.filter((job) => !hasEnded(job));
    const last = lastOf(cronJob, jobs);
    await patchStatus(client, CronJob, cronJob, (draft) => {
      const names = active.map(({ metadata }) => metadata.name).toSorted();
      draft.status = { active: names, ...(last && { lastScheduleTime: wholeSeconds(last) }) };
    });
    await prune(jobs.filter(isComplete), cronJob.spec.successfulJobsHistoryLimit, context);
    await prune(jobs.filter(isFailed), cronJob.spec.failedJobsHistoryLimit, context);
    if (cronJob.spec.suspend) return;

    const now = clock.wall();
    const schedule = parse(cronJob);
    const due = dueOf(schedule, last ?? new Date(cronJob.metadata.creationTimestamp), now);
    const again = requeueAfter((schedule.nextRun(now) ?? now).getTime() - now.getTime());
    if (!due) return again;
    if (isTooLate(due, cronJob, now)) {
      events.warning(
        'MissedRun',
        `The run of ${wholeSeconds(due)} is skipped: its starting deadline is over.`,
      );
      return again;
    }
    // The Job that ends wakes us.
    if (cronJob.spec.concurrencyPolicy === 'Forbid' && active.length > 0) return again;
    if (cronJob.spec.concurrencyPolicy === 'Replace') for (const job of active) await remove(job, context);
    await start(cronJob, due, context);
    return again;
  }
}

/** The latest run that is due and was not started; earlier ones that were missed are not made up for. */
function dueOf(schedule: Cron, since: Date, now: Date): Date | undefined {
  const [latest] = schedule.previousRuns(1, new Date(now.getTime() + 1));
  return latest && latest > since ? latest : undefined;
}

function isTooLate(due: Date, { spec }: ReadonlyCronJob, now: Date): boolean {
  const deadline = spec.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY;
  return now.getTime() - due.getTime() > deadline * 1000;
}

function parse({ spec }: ReadonlyCronJob): Cron {
  try {
    // Without a function to call, Cron is a calculator: it sets no timer.
    return new Cron(spec.schedule, { mode: '5-part', utcOffset: 0 });
  } catch (cause) {
    throw new TerminalError(
      `spec.schedule "${spec.schedule}" is no cron expression, such as "*/5 * * * *".`,
      { cause },
    );
  }
}

/** The name says for which time it is: of two starts for one time, whatever fails over in between, one finds the other. */
async function start(
  cronJob: ReadonlyCronJob,
  due: Date,
  { client, key, events }: ReconcileContext,
): Promise<void> {
  const name = `${key.name}-${due.getTime() / 1000}`;
  const metadata = {
    namespace: key.namespace,
    name,
    annotations: { [SCHEDULED_AT]: wholeSeconds(due) },
    ownerReferences: [controllerReference(CronJob, cronJob, key)],
  };
  try {
    const spec = cronJob.spec.jobTemplate.spec as unknown as NonNullable<Job['spec']>;
    await client.create(Job, { metadata, spec });
    events.normal('Started', `Job ${name}.`);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Deletes all but the newest. */
async function prune(jobs: readonly ReadonlyJob[], keep: number, context: ReconcileContext): Promise<void> {
  const oldest = jobs.toSorted((a, b) => scheduledAt(a).getTime() - scheduledAt(b).getTime());
  for (const job of oldest.slice(0, Math.max(oldest.length - keep, 0))) await remove(job, context);
}

async function remove(job: ReadonlyJob, { client }: ReconcileContext): Promise<void> {
  const { uid } = job.metadata;
  try {
    await client.delete(Job, keyOf(job), { preconditions: { uid }, propagationPolicy: 'Background' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function lastOf({ status }: ReadonlyCronJob, jobs: readonly ReadonlyJob[]): Date | undefined {
  const times = jobs.map(scheduledAt);
  if (status?.lastScheduleTime) times.push(new Date(status.lastScheduleTime));
  return times.toSorted((a, b) => b.getTime() - a.getTime())[0];
}

function scheduledAt({ metadata }: ReadonlyJob): Date {
  return new Date(metadata.annotations?.[SCHEDULED_AT] ?? metadata.creationTimestamp);
}

const isComplete = (job: ReadonlyJob): boolean => hasCondition(job, 'Complete');
const isFailed = (job: ReadonlyJob): boolean => hasCondition(job, 'Failed');
const hasEnded = (job: ReadonlyJob): boolean => isComplete(job) || isFailed(job);

function hasCondition({ status }: ReadonlyJob, wanted: string): boolean {
  return (status?.conditions ?? []).some(({ type, status: is }) => type === wanted && is === 'True');
}

function wholeSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
