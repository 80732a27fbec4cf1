import {
  type Clock,
  type Lease,
  type Logger,
  type Term,
  formatDuration,
  sleep,
} from '@incumbent/core/client';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import type { Observation } from './decide.js';
import type { OwnRecords } from './own-records.js';

export interface LockDelayParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly key: { readonly namespace: string; readonly name: string };
  readonly own: OwnRecords;
  /** Milliseconds. */
  readonly delay: number;
}

/**
 * Time for what a holder that was lost set going outside of the cluster to come to its end, before its successor's work begins.
 *
 * It is owed until it was sat out whole: a successor that has to take the lease anew meanwhile begins it again.
 */
export class LockDelay {
  readonly #parts: LockDelayParts;
  /** Who did not release. */
  #owedTo: string | undefined;
  #sittingOut = false;

  constructor(parts: LockDelayParts) {
    this.#parts = parts;
  }

  get sittingOut(): boolean {
    return this.#sittingOut;
  }

  /** To be told what is about to be taken over. That there is no Lease says nothing: its last holder may still act. */
  takingOver(observation: Observation): void {
    if (observation.kind === 'unknown') return;
    const last = observation.kind === 'present' ? observation : observation.last;
    // Our own record changes nothing: that work has ended, and who was before it may still be owed the delay.
    if (last && !this.#parts.own.has(fingerprintOf(last.lease))) this.#owedTo = unreleasedBy(last.lease);
  }

  /** Holds the lease until the delay is over, also for one that was asked to end: who finds it released begins at once. */
  async sitOut(term: Term): Promise<void> {
    const { clock, delay, log, key } = this.#parts;
    if (delay === 0 || this.#owedTo === undefined) return;
    this.#sittingOut = true;
    log.info(
      { term: term.number },
      `${this.#owedTo} did not release Lease ${key.namespace}/${key.name}: its work is given ${formatDuration(delay)} to end.`,
    );
    const end = clock.monotonic() + delay;
    const rest = (): number => end - clock.monotonic();
    await sleep(clock, delay, term.signal);
    while (rest() > 0 && term.remaining() > 0) await sleep(clock, Math.min(rest(), term.remaining()));
    if (rest() <= 0) this.#owedTo = undefined;
    this.#sittingOut = false;
  }
}

/** As an elector judges: without holder, but with a duration that no release writes, it was blanked by hand. */
function unreleasedBy(lease: Lease): string | undefined {
  const { holder, duration = 0 } = recordOf(lease);
  if (holder) return holder;
  return duration > 1000 ? 'Somebody whose name was removed' : undefined;
}
