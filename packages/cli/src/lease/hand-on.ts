/** An operator's ways to take a lease from its holder: to ask it, or to remove its name. */
import {
  type Clock,
  type Connection,
  LinkedAbort,
  formatDuration,
  isConflict,
  isNotFound,
} from '@incumbent/core/client';
import {
  HANDOVER_REQUEST_ANNOTATION,
  type LeaseEvent,
  Leases,
  type TypedLease,
  type WritableLeases,
  handoverRequest,
} from '@incumbent/election';
import { type ClusterOptions, type LeaseName, connected, leaseName } from '../command-line/cluster.js';
import { CommandFailure } from '../command-line/failure.js';
import type { System } from '../command-line/system.js';
import { notFound } from './show.js';

export interface ReleaseOptions extends ClusterOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly force?: boolean;
}

export interface HandoverOptions extends ClusterOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly to?: string;
}

/** Seconds. A released lease has a duration of 1, and is taken at once: one that was blanked must not look like it. */
const SHORTEST_BLANKED = 2;
/** Seconds, for a holder that wrote no duration: as the slowest preset. */
const UNKNOWN_DURATION = 60;
const ATTEMPTS = 5;

/** Asks the holder to release the lease, or removes its name by force. */
export function release(name: string, options: ReleaseOptions, system: System): Promise<number> {
  return connected(system, options, async (connection) => {
    const held = new HeldLease(leaseName(name, connection), connection);
    const lease = await held.read();
    if (!holderOf(lease)) system.stdout.write(`${held.name} is not held: there is nothing to release.\n`);
    else if (options.force) system.stdout.write(`${await held.blank()}\n`);
    else system.stdout.write(`${await held.ask(lease, { ...options, until: 'released' })}\n`);
    return 0;
  });
}

/** Asks the holder to hand the lease over, and waits for the next one. */
export function handover(name: string, options: HandoverOptions, system: System): Promise<number> {
  return connected(system, options, async (connection) => {
    const held = new HeldLease(leaseName(name, connection), connection);
    const lease = await held.read();
    if (!holderOf(lease))
      throw new CommandFailure(
        `${held.name} is not held: whoever campaigns for it takes it, there is nobody to ask.`,
      );
    system.stdout.write(`${await held.ask(lease, { ...options, until: 'taken' })}\n`);
    return 0;
  });
}

interface Question {
  readonly until: 'released' | 'taken';
  readonly timeout: number;
  readonly to?: string;
}

/** What has become of a question. */
type Answer = 'none' | 'released' | 'taken' | 'deleted';

class HeldLease {
  readonly name: string;
  readonly #key: LeaseName;
  readonly #leases: WritableLeases;
  readonly #clock: Clock;

  constructor(key: LeaseName, connection: Connection) {
    this.name = `${key.namespace}/${key.name}`;
    this.#key = key;
    this.#leases = new Leases(connection).unfenced();
    this.#clock = connection.clock;
  }

  async read(): Promise<TypedLease> {
    try {
      return await this.#leases.get(this.#key);
    } catch (error) {
      throw isNotFound(error) ? notFound(this.#key) : error;
    }
  }

  /** Asks the holder of `lease`, and returns what came of it in a sentence. */
  async ask(lease: TypedLease, { until, timeout, to }: Question): Promise<string> {
    const [term, request] = [termOf(lease), handoverRequest(termOf(lease), to)];
    await this.#edit(lease, (current) =>
      termOf(current) === term ? withRequest(current, request) : undefined,
    );
    const { answer, next } = await this.#answer(lease, until, timeout);
    if (answer === 'none' || (answer === 'released' && until === 'taken')) {
      await this.#withdraw(request);
      throw this.#unanswered(lease, answer, timeout);
    }
    if (answer === 'deleted') throw new CommandFailure(`${this.name} was deleted meanwhile.`);
    const said = `${this.name}: ${holderOf(lease)} has released it`;
    if (!next || answer === 'released') return `${said}.`;
    if (to !== undefined && !isReplica(holderOf(next), to))
      throw new CommandFailure(
        `${said}, but ${holderOf(next)} leads in term ${termOf(next)}: ${to} did not take it in time. Is that a replica that runs?`,
      );
    return `${said}, and ${holderOf(next)} leads in term ${termOf(next)}.`;
  }

  /**
   * Removes the holder's name, unless the Lease is written meanwhile. The duration stays, so that Incumbent's electors see that nobody has
   * released it, and wait for the one who may still work.
   */
  async blank(): Promise<string> {
    const before = await this.read();
    const blanked = await this.#edit(before, (lease) => ({
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: '',
        leaseDurationSeconds: Math.max(
          lease.spec?.leaseDurationSeconds || UNKNOWN_DURATION,
          SHORTEST_BLANKED,
        ),
      },
    }));
    const wait = blanked?.spec?.leaseDurationSeconds ?? UNKNOWN_DURATION;
    return `${this.name}: the name of ${holderOf(before)} is removed. Incumbent's electors take it in ${wait} s, client-go's at once.`;
  }

  /** Repeated when somebody was faster: a holder writes every few seconds. `change` returns undefined where it is no use any more. */
  async #edit(
    lease: TypedLease,
    change: (lease: TypedLease) => TypedLease | undefined,
  ): Promise<TypedLease | undefined> {
    let current = lease;
    for (let attempt = 1; ; attempt += 1) {
      const next = change(current);
      if (!next) return undefined;
      try {
        return await this.#leases.update(next);
      } catch (error) {
        if (!isConflict(error) || attempt === ATTEMPTS) throw error;
        current = await this.read();
      }
    }
  }

  async #answer(
    lease: TypedLease,
    until: Question['until'],
    timeout: number,
  ): Promise<{ readonly answer: Answer; readonly next?: TypedLease }> {
    using limit = new LinkedAbort();
    const cancel = this.#clock.schedule(timeout, () => limit.abort());
    let answer: Answer = 'none';
    for await (const event of this.#leases.watch({ ...this.#key, signal: limit.signal })) {
      const next = seenIn(event);
      if (next === undefined) continue;
      answer = answerOf(next, lease);
      if (answer === 'taken' || answer === 'deleted' || answer === until) {
        limit.abort();
        cancel();
        return { answer, ...(next ? { next } : {}) };
      }
    }
    return { answer };
  }

  async #withdraw(request: string): Promise<void> {
    const isOurs = ({ metadata }: TypedLease): boolean =>
      metadata.annotations?.[HANDOVER_REQUEST_ANNOTATION] === request;
    await this.#edit(await this.read(), (lease) =>
      isOurs(lease) ? withRequest(lease, undefined) : undefined,
    );
  }

  #unanswered(lease: TypedLease, answer: 'none' | 'released', timeout: number): CommandFailure {
    const waited = formatDuration(timeout);
    if (answer === 'released')
      return new CommandFailure(
        `${this.name}: ${holderOf(lease)} has released it, but nobody took it within ${waited}: does another replica run?`,
      );
    return new CommandFailure(
      `${this.name}: ${holderOf(lease)} did not answer within ${waited}, and is asked no more. It may be dead, cut off, slow to end its work, or not one of Incumbent's electors; "incumbent lease release --force" does not ask.`,
    );
  }
}

/** The Lease as an event tells of it; null when it is gone, undefined when it tells nothing. */
function seenIn(event: LeaseEvent): TypedLease | null | undefined {
  switch (event.type) {
    case 'replaced':
      return event.items[0] ?? null;
    case 'applied':
      return event.object;
    case 'deleted':
      return null;
    case 'failed':
      return undefined;
  }
}

function answerOf(now: TypedLease | null, before: TypedLease): Answer {
  if (!now) return 'deleted';
  if (!holderOf(now)) return 'released';
  return termOf(now) !== termOf(before) || holderOf(now) !== holderOf(before) ? 'taken' : 'none';
}

function withRequest(lease: TypedLease, request: string | undefined): TypedLease {
  const { [HANDOVER_REQUEST_ANNOTATION]: _, ...others } = lease.metadata.annotations ?? {};
  const annotations = request === undefined ? others : { ...others, [HANDOVER_REQUEST_ANNOTATION]: request };
  return { ...lease, metadata: { ...lease.metadata, annotations } };
}

/** An identity, or the pod name that it starts with: as an elector understands a handover. */
function isReplica(identity: string, name: string): boolean {
  return identity === name || identity.startsWith(`${name}_`);
}

function holderOf({ spec }: TypedLease): string {
  return spec?.holderIdentity ?? '';
}

function termOf({ spec }: TypedLease): number {
  return spec?.leaseTransitions ?? 0;
}
