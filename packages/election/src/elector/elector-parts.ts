import type { Clock, Logger, Random } from '@incumbent/core/client';
import type { LeasePort } from '../lease/lease-port.js';
import type { Follower } from './decide.js';
import type { LockDelay } from './lock-delay.js';
import type { ElectionMetrics } from './metrics.js';
import type { Observer } from './observer.js';
import type { ResolvedTimings } from './options.js';
import type { OwnRecords } from './own-records.js';
import type { Tenure } from './tenure.js';
import type { Wakeup } from './wakeup.js';

/** What an elector is made of, shared by its campaign and its reigns. */
export interface ElectorParts {
  readonly lease: LeasePort;
  readonly key: { readonly namespace: string; readonly name: string };
  readonly identity: string;
  readonly earlierRun: Follower['earlierRun'];
  readonly timings: ResolvedTimings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: ElectionMetrics;
  readonly observer: Observer;
  readonly own: OwnRecords;
  readonly lockDelay: LockDelay;
  readonly tenure: Tenure;
  readonly wakeup: Wakeup;
}
