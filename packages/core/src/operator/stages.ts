import type { Clock } from '../kit/clock.js';
import { formatDuration } from '../kit/duration.js';
import { LinkedAbort } from '../kit/abort.js';
import type { Logger } from '../kit/logger.js';
import { sleep } from '../kit/sleep.js';

/** One step of stopping. */
export interface Stage {
  readonly name: string;
  /** Milliseconds that it may take before the next begins all the same. */
  readonly grace: number;
  readonly stop: () => Promise<void> | void;
}

/** Stops one stage after the other. One that fails or takes too long is told of, and keeps nobody from stopping. Never rejects. */
export async function stopInOrder(stages: readonly Stage[], clock: Clock, log: Logger): Promise<void> {
  for (const stage of stages) {
    const startedAt = clock.monotonic();
    const ended = await stopOne(stage, clock, log);
    const took = formatDuration(clock.monotonic() - startedAt);
    if (ended) log.info({ stage: stage.name, took }, `stopped: ${stage.name}`);
    else log.warn({ stage: stage.name, took }, `not stopped in time: ${stage.name}. Going on without.`);
  }
}

/** Whether it ended in time. */
async function stopOne({ name, grace, stop }: Stage, clock: Clock, log: Logger): Promise<boolean> {
  using ended = new LinkedAbort();
  const stopping = (async () => stop())().catch((err: unknown) => {
    log.error({ err, stage: name }, `stopping failed: ${name}`);
  });
  await Promise.race([stopping.then(() => ended.abort()), sleep(clock, grace, ended.signal)]);
  return ended.signal.aborted;
}
