import type { InformerCache } from '../cache/cache.js';
import type { Client } from '../client/client.js';
import type { Events } from '../events/event-recorder.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/logger.js';
import type { Metrics } from '../kit/metrics.js';
import type { Random } from '../kit/random.js';
import type { Tracing } from '../kit/tracing.js';
import type { ReconcileTrace } from './reconcile-trace.js';

/** What controllers of one operator share. */
export interface ControllerRuntime {
  readonly client: Pick<Client, 'under'>;
  readonly cache: InformerCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly events: Events;
  /** Milliseconds that running reconciles get to end after they were told to. */
  readonly gracePeriod: number;
  /** Is told which reconciles run. @defaultValue nobody is */
  readonly trace?: ReconcileTrace;
  /** @defaultValue nobody is told of spans */
  readonly tracing?: Tracing;
}
