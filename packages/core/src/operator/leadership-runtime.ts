import type { Client } from '../client/client.js';
import type { Connection } from '../client/connection.js';
import type { Events } from '../events/event-recorder.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/logger.js';
import type { Metrics } from '../kit/metrics.js';
import type { Random } from '../kit/random.js';
import type { Leadership } from '../leadership/leadership.js';

/** What an operator hands to whoever decides when it leads. */
export interface LeadershipRuntime {
  readonly connection: Connection;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly events: Events;
}

/** Made by `leaderElection()` or {@link alone}. Called once for each run of an operator. */
export type LeadershipProvider = (runtime: LeadershipRuntime) => Leadership;
