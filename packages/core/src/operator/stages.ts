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
    const end = await stopOne(stage, clock);
    const fields = { stage: stage.name, took: formatDuration(clock.monotonic() - startedAt) };
    if (end === 'stopped') log.info(fields, `stopped: ${stage.name}`);
    else if (end === 'late') log.warn(fields, `not stopped in time: ${stage.name}. Going on without.`);
    else log.error({ ...fields, err: end.error }, `stopping failed: ${stage.name}. Going on without.`);
  }
}

async function stopOne(
  { grace, stop }: Stage,
  clock: Clock,
): Promise<'stopped' | 'late' | { readonly error: unknown }> {
  using ended = new LinkedAbort();
  const stopping = (async () => stop())().then(
    () => 'stopped' as const,
    (error: unknown) => ({ error }),
  );
  const late = sleep(clock, grace, ended.signal).then(() => 'late' as const);
  const end = await Promise.race([stopping, late]);
  ended.abort();
  return end;
}
