import os from 'node:os';
import type { Container } from 'inversify';
import { InformerCache } from '../cache/cache.js';
import { Client } from '../client/client.js';
import { connect } from '../client/connect.js';
import { Controller } from '../controller/controller.js';
import { ReconcileTrace } from '../controller/reconcile-trace.js';
import { EventPublisher } from '../events/event-recorder.js';
import type { Leadership } from '../leadership/leadership.js';
import { type ContainerParts, containerOf, definitionsOf } from './container.js';
import { EventLoopWatch } from './event-loop-watch.js';
import type { ResolvedOperatorOptions } from './options.js';
import { pinoLogger } from './pino-logger.js';
import { PromMetrics } from './prom-metrics.js';
import type { Planned } from './wiring.js';

/** Everything that one run of an operator consists of. Nothing of it has started yet. */
export interface OperatorParts extends ContainerParts {
  readonly metrics: PromMetrics;
  readonly events: EventPublisher;
  readonly container: Container;
  readonly leadership: Leadership;
  readonly loopWatch: EventLoopWatch;
  /** Controllers that run while this replica leads. */
  readonly leading: readonly Controller[];
  /** Controllers that run on each replica. */
  readonly everywhere: readonly Controller[];
}

export async function assemble(
  options: ResolvedOperatorOptions,
  planned: readonly Planned[],
): Promise<OperatorParts> {
  const base = await baseOf(options);
  try {
    const container = await containerOf(options, base);
    const definitions = await definitionsOf(planned, container, base);
    const controllers = (on: 'leader' | 'every-replica'): Controller[] =>
      definitions.filter((each) => each.on === on).map((definition) => new Controller(definition, base));
    return {
      ...base,
      container,
      leading: controllers('leader'),
      everywhere: controllers('every-replica'),
      leadership: options.leadership(base),
    };
  } catch (error) {
    if (!options.connection) await base.connection.close();
    throw error;
  }
}

async function baseOf({
  clock,
  random,
  name,
  gracePeriod,
  eventLoopWarning,
  ...options
}: ResolvedOperatorOptions) {
  const log = options.log ?? pinoLogger(name);
  const connection = options.connection ?? (await connect({ userAgent: name, clock }));
  const client = new Client(connection);
  const metrics = new PromMetrics();
  const cache = new InformerCache({ reader: client, clock, random, log });
  const writer = client.unfenced();
  const events = new EventPublisher({ writer, clock, random, log, component: name, instance: os.hostname() });
  const trace = new ReconcileTrace(clock);
  const loopWatch = new EventLoopWatch({ clock, log, metrics, trace, warnFrom: eventLoopWarning });
  return { connection, client, cache, clock, random, log, metrics, events, gracePeriod, trace, loopWatch };
}
