import os from 'node:os';
import type { Container } from 'inversify';
import { InformerCache } from '../cache/cache.js';
import { Client } from '../client/client.js';
import { connect } from '../client/connect.js';
import { RunnableWork } from '../controller/runnable.js';
import type { Work } from '../controller/work.js';
import { worksOf } from '../controller/works.js';
import { ReconcileTrace } from '../controller/reconcile-trace.js';
import { EventPublisher } from '../events/event-recorder.js';
import type { Leadership } from '../leadership/leadership.js';
import { type ContainerParts, containerOf, definitionsOf, runnablesOf } from './container.js';
import { EventLoopWatch } from './event-loop-watch.js';
import type { ResolvedOperatorOptions } from './options.js';
import { PromMetrics } from './prom-metrics.js';
import { otelTracing } from './otel-tracing.js';
import type { Planned, PlannedRunnable } from './wiring.js';

/** Everything that one run of an operator consists of. Nothing of it has started yet. */
export interface OperatorParts extends ContainerParts {
  readonly metrics: PromMetrics;
  readonly events: EventPublisher;
  readonly container: Container;
  readonly leadership: Leadership;
  readonly loopWatch: EventLoopWatch;
  readonly planned: readonly Planned[];
  /** What runs while this replica leads. */
  readonly leading: readonly Work[];
  /** What runs on each replica. */
  readonly everywhere: readonly Work[];
}

/** What an operator runs, checked as far as can be without making it. */
export interface Plan {
  readonly controllers: readonly Planned[];
  readonly runnables: readonly PlannedRunnable[];
}

export async function assemble(
  options: ResolvedOperatorOptions,
  { controllers, runnables }: Plan,
): Promise<OperatorParts> {
  const base = await baseOf(options);
  try {
    const container = await containerOf(options, base);
    const definitions = await definitionsOf(controllers, container, base);
    const others = await runnablesOf(runnables, container, base);
    const works = (where: 'leader' | 'every-replica'): Work[] => [
      ...definitions.filter(({ on }) => on === where).flatMap((each) => worksOf(each, base)),
      ...others
        .filter(({ on }) => on === where)
        .map((each) => new RunnableWork(each.name, each.runnable, base)),
    ];
    return {
      ...base,
      container,
      planned: controllers,
      leading: works('leader'),
      everywhere: works('every-replica'),
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
  const { log } = options;
  const connection = options.connection ?? (await connect({ userAgent: name, clock }));
  const client = new Client(connection);
  const metrics = new PromMetrics();
  connection.observe({ metrics, log });
  const cache = new InformerCache({ reader: client, clock, random, log });
  const writer = client.unfenced();
  const events = new EventPublisher({ writer, clock, random, log, component: name, instance: os.hostname() });
  const trace = new ReconcileTrace(clock);
  const loopWatch = new EventLoopWatch({ clock, log, metrics, trace, warnFrom: eventLoopWarning });
  return {
    connection,
    client,
    cache,
    clock,
    random,
    log,
    metrics,
    events,
    gracePeriod,
    trace,
    tracing: otelTracing,
    loopWatch,
  };
}
