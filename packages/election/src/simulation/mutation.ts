import type { Clock, Term } from '@incumbent/core/client';
import type { LeasePort } from '../lease/lease-port.js';
import type { Participant } from './participant.js';

/** Where an elector, or what stands around it, can be broken on purpose. */
export interface MutationHooks {
  /** Stands between the elector and its Lease. */
  readonly port?: (port: LeasePort) => LeasePort;
  /** Stands between the elector and its clock. */
  readonly clock?: (clock: Clock) => Clock;
  /** Stands between the work and its term. */
  readonly term?: (term: Term) => Term;
  /** Milliseconds instead of what is configured. */
  readonly lockDelay?: number;
  /** The work is not awaited: `leading` settles as soon as its signal aborts. */
  readonly detachesWork?: boolean;
  /** The fence is tested when a write is called, and not again at the socket. */
  readonly skipsSocketCheck?: boolean;
  /** Writes carry no timeout for the server. */
  readonly unlimitedServerTime?: boolean;
}

/** One way to break an election. The simulation must notice. */
export interface Mutation {
  readonly name: string;
  readonly hooks: (process: Participant) => MutationHooks;
}

export const intact = (): MutationHooks => ({});
