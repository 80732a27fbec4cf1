import type { Random } from '@incumbent/core/client';
import type { MutationHooks } from './mutation.js';
import type { Network } from './network.js';
import type { Participant } from './participant.js';
import type { Referee } from './referee.js';
import type { Scenario } from './scenario.js';
import type { Scheduler } from './scheduler.js';
import type { Weather } from './weather.js';

/** What everything in one history shares, whatever is simulated. */
export interface Surroundings {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly referee: Teller;
  /** For everything that is left to chance while the history runs. */
  readonly random: Random;
}

export interface Teller {
  trace(line: () => string): void;
  breach(property: 'does not stop', what: string): void;
}

/** An election's history. */
export interface World extends Surroundings {
  readonly network: Network;
  readonly referee: Referee;
  readonly mutate: (process: Participant) => MutationHooks;
}
