import type { Random } from '@incumbent/core/client';
import type { MutationHooks } from './mutation.js';
import type { Network } from './network.js';
import type { Participant } from './participant.js';
import type { Referee } from './referee.js';
import type { Scenario } from './scenario.js';
import type { Scheduler } from './scheduler.js';
import type { Weather } from './weather.js';

/** What everything in one history shares. */
export interface World {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly weather: Weather;
  readonly referee: Referee;
  /** For everything that is left to chance while the history runs. */
  readonly random: Random;
  readonly mutate: (process: Participant) => MutationHooks;
}
