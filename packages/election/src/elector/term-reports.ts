import type { Events } from '@incumbent/core';
import { Lease } from '@incumbent/core/client';
import type { LeaseTerm } from '../term/lease-term.js';
import { isLowerToken } from '../term/token.js';
import type { ElectorParts } from './elector-parts.js';
import type { ReignEnd } from './reign.js';

const LOSSES = {
  expired: 'the lease could not be renewed in time',
  deleted: 'the Lease was deleted',
  usurped: 'somebody else wrote the Lease',
} as const;

/** Tells of an elector's terms: in the log, in metrics, and as Events on the Lease. */
export class TermReports {
  readonly #parts: ElectorParts;
  readonly #events: Events | undefined;
  #lastToken = '';

  constructor(parts: ElectorParts, events: Events | undefined) {
    this.#parts = parts;
    this.#events = events;
  }

  won(term: LeaseTerm): void {
    const { log, metrics } = this.#parts;
    metrics.leading(true);
    log.info({ term: term.number, token: term.token }, `Leading: term ${term.number}.`);
    this.#reportRestore(term);
    this.#record(term, 'became leader');
  }

  over(term: LeaseTerm, { end, released }: ReignEnd): void {
    const { log, metrics } = this.#parts;
    metrics.leading(false);
    this.#record(term, 'stopped leading');
    if (end === 'ended')
      log.info(
        { term: term.number, released },
        `Stopped leading: term ${term.number} has ended${released ? ' and the lease is released' : ', the lease is left to lapse'}.`,
      );
    else log.warn({ term: term.number, reason: end }, `Lost term ${term.number}: ${LOSSES[end]}.`);
  }

  /** Tokens rise with every acquisition, except where an older state of etcd came back. */
  #reportRestore({ number, token }: LeaseTerm): void {
    const last = this.#lastToken;
    this.#lastToken = token;
    if (isLowerToken(token, last))
      this.#parts.log.warn(
        { term: number, token, last },
        `The token of term ${number} is ${token}, lower than ${last} of this replica's last term: was etcd restored from a backup? What is fenced by tokens outside the cluster refuses this term until it is told to accept lower ones.`,
      );
  }

  /** In the words of client-go's Events. */
  #record({ lease }: LeaseTerm, what: string): void {
    this.#events?.recorderFor(Lease, lease).normal('LeaderElection', `${this.#parts.identity} ${what}`);
  }
}
