import type { ContainerModule } from 'inversify';
import type { Connection } from '../client/connection.js';
import type { ReconcilerClass } from '../decorators/controller.js';
import type { RunnableClass } from '../decorators/runnable.js';
import { type Clock, systemClock } from '../kit/clock.js';
import { type Duration, milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import { type LogLevel, LogLevelSwitch } from '../kit/log-level.js';
import type { Logger } from '../kit/logger.js';
import { type Random, systemRandom } from '../kit/random.js';
import type { LeadershipProvider } from './leadership-runtime.js';
import { opened, pinoLogger } from './pino-logger.js';

export interface HttpOptions {
  /** 0 takes any free one: {@link Operator.address} tells which. @defaultValue 8080 */
  readonly port?: number;
  /** @defaultValue all of this machine's addresses, as the kubelet needs it */
  readonly host?: string;
}

export interface OperatorOptions {
  /** Classes with `@Controller`. */
  readonly controllers: readonly ReconcilerClass[];
  /** Classes with `@Runnable`: work that belongs to no object. @defaultValue none */
  readonly runnables?: readonly RunnableClass[];
  /**
   * Decides when this replica may write: `leaderElection(...)`, or `alone()` where there is never a second replica.
   * Has no default: forgetting an election and scaling to three would make three leaders.
   */
  readonly leadership: LeadershipProvider;
  /** In Events and as `User-Agent`. @defaultValue `'incumbent'` */
  readonly name?: string;
  /** One that is given stays open when the operator stops. @defaultValue as kubectl finds it, or the pod's service account */
  readonly connection?: Connection;
  /** What the controllers' constructors ask for. */
  readonly modules?: readonly ContainerModule[];
  /** A pino logger, or anything of that shape. @defaultValue pino, JSON to standard output */
  readonly log?: Logger;
  /**
   * Least important lines that are logged. {@link Operator.logLevel} turns it later, and so does `PUT /loglevel` from within the pod.
   *
   * @defaultValue the level of a pino logger that was given; all for another that was given, which decides for itself; else `'info'`
   */
  readonly logLevel?: LogLevel;
  /** Where `/healthz`, `/livez`, `/readyz` and `/metrics` answer. `false`: nowhere. */
  readonly http?: HttpOptions | false;
  /** Namespaces in which the controllers look. @defaultValue all */
  readonly namespaces?: readonly string[];
  /**
   * How long running reconciles get to end after they were told to. With the stages after it, it fits into the 30 s that Kubernetes
   * gives a pod by default. @defaultValue `'20s'`
   */
  readonly gracePeriod?: Duration;
  /** How long the caches may take to fill before the start counts as failed. @defaultValue `'2m'`, as controller-runtime */
  readonly cacheSyncTimeout?: Duration;
  /**
   * What to do when the server does not serve a kind that a controller needs, as while its definition is not installed yet: `'fail'` the
   * start with an error that names it, or `'wait'`, not ready meanwhile. @defaultValue `'fail'`
   */
  readonly absentResources?: 'fail' | 'wait';
  /**
   * How late the event loop may be before a warning names the reconciles that were under way. `false`: it is not measured.
   *
   * @defaultValue `'1s'`: seldom by chance, and less than the 1.5 s that a renewal of the preset `fast` may be late
   */
  readonly eventLoopWarning?: Duration | false;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests. */
  readonly random?: Random;
}

export interface ResolvedOperatorOptions {
  readonly controllers: readonly ReconcilerClass[];
  readonly runnables: readonly RunnableClass[];
  readonly leadership: LeadershipProvider;
  readonly name: string;
  readonly connection: Connection | undefined;
  readonly modules: readonly ContainerModule[];
  /** Passes what `levels` lets through. */
  readonly log: Logger;
  readonly levels: LogLevelSwitch;
  readonly http: HttpOptions | undefined;
  readonly namespaces: readonly string[] | undefined;
  /** Milliseconds. */
  readonly gracePeriod: number;
  /** Milliseconds. */
  readonly cacheSyncTimeout: number;
  readonly absentResources: 'fail' | 'wait';
  /** Milliseconds; Infinity: not measured. */
  readonly eventLoopWarning: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws {@link IncumbentError} `OPERATOR_OPTIONS` */
export function resolveOperatorOptions(options: OperatorOptions): ResolvedOperatorOptions {
  const {
    http = {},
    namespaces,
    gracePeriod = '20s',
    cacheSyncTimeout = '2m',
    eventLoopWarning = '1s',
  } = options;
  if (typeof options.leadership !== 'function')
    throw invalid(
      '`leadership` is missing: give leaderElection({ ... }), or alone() if there is never a second replica.',
    );
  const { controllers, runnables = [] } = options;
  if (controllers.length + runnables.length === 0)
    throw invalid('`controllers` and `runnables` are empty: there is nothing to run.');
  if (namespaces?.length === 0) throw invalid('`namespaces` is empty: leave it out to look at all.');
  const name = options.name ?? 'incumbent';
  const { log, levels } = options.log
    ? opened(options.log)
    : { log: pinoLogger(name), levels: new LogLevelSwitch('info') };
  levels.level = options.logLevel ?? levels.level;
  return Object.freeze({
    controllers,
    runnables,
    leadership: options.leadership,
    name,
    connection: options.connection,
    modules: options.modules ?? [],
    log: levels.over(log),
    levels,
    http: http === false ? undefined : http,
    namespaces,
    gracePeriod: milliseconds(gracePeriod),
    cacheSyncTimeout: milliseconds(cacheSyncTimeout),
    absentResources: options.absentResources ?? 'fail',
    eventLoopWarning: eventLoopWarning === false ? Number.POSITIVE_INFINITY : milliseconds(eventLoopWarning),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
}

function invalid(message: string): IncumbentError {
  return new IncumbentError('OPERATOR_OPTIONS', `The operator can't be made: ${message}`);
}
