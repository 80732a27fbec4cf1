/**
 * What a constructor can ask an operator's container for, by `@inject(TOKEN)`. The classes {@link Client}, {@link Connection} and
 * {@link InformerCache} are tokens themselves.
 */
import type { ServiceIdentifier } from 'inversify';
import type { Clock as ClockPort } from '../kit/clock.js';
import type { Logger as LoggerPort } from '../kit/logger.js';
import type { Metrics as MetricsPort } from '../kit/metrics.js';
import type { Random as RandomPort } from '../kit/random.js';

export type Clock = ClockPort;
export const Clock: ServiceIdentifier<Clock> = Symbol.for('incumbent.dev/Clock');

export type Random = RandomPort;
export const Random: ServiceIdentifier<Random> = Symbol.for('incumbent.dev/Random');

/** In a controller's constructor: its own, with its name in each line. */
export type Logger = LoggerPort;
export const Logger: ServiceIdentifier<Logger> = Symbol.for('incumbent.dev/Logger');

/** What is counted here shows at `/metrics`. */
export type Metrics = MetricsPort;
export const Metrics: ServiceIdentifier<Metrics> = Symbol.for('incumbent.dev/Metrics');
