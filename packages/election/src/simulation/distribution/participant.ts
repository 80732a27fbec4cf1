import type { Clock } from '@incumbent/core/client';
import type { Endpoint } from '../participant.js';

/** A process that is a member of the group, as the referee knows it. */
export interface WorkParticipant extends Endpoint {
  readonly name: string;
  readonly clock: Clock;
}
