import type { Clock, Instant, Lease } from '@incumbent/core/client';
import type { ResolvedTimings } from '../elector/options.js';
import type { Machine } from './machine.js';

/** A process's end of the network. */
export interface Endpoint {
  /** Number of the replica: what faults are aimed at. */
  readonly replica: number;
  readonly machine: Machine;
  /** Nothing is delivered to a dead process. */
  readonly alive: boolean;
}

/** A process that takes part in the election, as the referee knows it. */
export interface Participant extends Endpoint {
  /** Tells it from every other, for the trace. */
  readonly name: string;
  /** What its elector writes as the holder. */
  readonly identity: string;
  readonly clock: Clock;
  readonly timings: ResolvedTimings;
  readonly isLeader: boolean;
  /** Fingerprints of what it sent. */
  readonly sentRecords: Set<string>;
  /** The last state of the Lease that it was told of, other than its absence. */
  lastTold: Lease | undefined;
  /** The term that its work runs under. */
  readonly term: ReignRecord | undefined;
  /** A lease write of its that was sent at this moment was stored. */
  leaseSent(at: Instant): void;
  /** Milliseconds on its clocks since the last such write was sent. */
  sinceLeaseSent(): number;
}

/** A term as the server saw it begin. */
export interface ReignRecord {
  /** Order of the acquisitions at the server. */
  readonly index: number;
  readonly process: Participant;
  readonly number: number;
  readonly token: string;
  readonly acquireTime: string | undefined;
  /** When the last lease write of this term that the server stored was sent, on the process's clocks. */
  renewedAt: Instant;
  /** Its Lease was deleted, edited or restored under it: others may act, until it sees that. */
  disturbed: boolean;
  /** Since when, in true time, its process holds what somebody has not released: within the lock delay nothing begins, and nothing is released. */
  readonly owesDelaySince: number | undefined;
  begun: boolean;
  /** When its process saw that the Lease is no longer what it wrote, in true time. */
  sawLossAt: number | undefined;
}
