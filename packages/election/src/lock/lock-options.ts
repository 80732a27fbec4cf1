import {
  type Clock,
  type Connection,
  type Duration,
  IncumbentError,
  type Logger,
  type Metrics,
  type Random,
  formatKey,
  randomSuffix,
  silentLogger,
  systemClock,
  systemRandom,
} from '@incumbent/core/client';
import { replicaIdentity } from '../elector/identity.js';
import { type ElectionOptions, ElectionOptionsError, resolveTimings } from '../elector/options.js';
import { LeaseClient } from '../lease/lease-client.js';
import type { RemovableLeasePort } from '../lease/lease-port.js';

/** The timings, their presets, `drainGrace` and `lockDelay` are those of an election. */
export interface LockOptions extends Omit<ElectionOptions, 'retakeFromContainer'> {
  /** The API server that holds the Lease. */
  readonly connection?: Connection;
  /** The Leases themselves, instead of a connection: for tests. */
  readonly leases?: (key: { readonly namespace: string; readonly name: string }) => RemovableLeasePort;
  /** Beginning of what is written as the holder; something that tells apart two holders in one process follows. @defaultValue see {@link replicaIdentity} */
  readonly identity?: string | undefined;
  /**
   * Deletes the Lease after its release, if this holder created it and nobody has taken it since. Terms then count from 0 again,
   * their tokens rise as ever. Needs the right to `delete`; a failure is logged.
   *
   * @defaultValue false
   */
  readonly removeAfterUse?: boolean | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
  /** @defaultValue silent */
  readonly log?: Logger;
  readonly metrics?: Metrics;
}

/** How long to wait for a lock. Without any of these: for ever. */
export interface AcquireOptions {
  /** Don't wait: whoever is seen to hold the lock, fail with a {@link LockHeldError}. @defaultValue false */
  readonly try?: boolean | undefined;
  /**
   * Longest wait, from the call on. After it a {@link LockTimeoutError}, up to one attempt (at most half of `renewDeadline`) later
   * where a write is under way. A lock delay comes on top.
   */
  readonly timeout?: Duration | undefined;
  /** While waiting: gives up with `LOCK_ABORTED`. While held: asks the work to end, by the term's signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Options with every default filled in. */
export interface ResolvedLock {
  readonly election: ElectionOptions & { readonly metrics?: Metrics };
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly removeAfterUse: boolean;
  readonly attemptTimeout: number;
  /** For the one who must be told apart from all others. */
  readonly newIdentity: () => string;
  readonly leaseAt: (name: string) => RemovableLeasePort;
  /** Names a Lease across the servers that one process may know. */
  readonly globalName: (name: string) => string;
}

/** @throws {@link ElectionOptionsError} when the timings don't fit each other, or there is no connection */
export function resolveLock(options: LockOptions): ResolvedLock {
  const { connection, leases, removeAfterUse, clock, random = systemRandom, log, ...election } = options;
  const { name, identity } = options;
  const namespace = options.namespace ?? connection?.namespace ?? 'default';
  const { attemptTimeout } = resolveTimings(options);
  const port = leases ?? (connection && ((key) => new LeaseClient(connection, key, attemptTimeout)));
  if (!port) throw new ElectionOptionsError('ELECTION_CONNECTION', `Lock "${name}": give a connection.`);
  if (!name) throw new IncumbentError('LOCK_NAME', 'A lock needs a name: that of its Lease.');
  return {
    election,
    namespace,
    clock: clock ?? systemClock,
    random,
    log: log ?? silentLogger,
    removeAfterUse: removeAfterUse ?? false,
    attemptTimeout,
    newIdentity: () => (identity ? `${identity}_${randomSuffix(random, 8)}` : replicaIdentity(random)),
    leaseAt: (lease) => port({ namespace, name: lease }),
    globalName: (lease) => `${connection?.server.href ?? ''} ${formatKey({ namespace, name: lease })}`,
  };
}
