import {
  Client,
  type Clock,
  type Connection,
  IncumbentError,
  type Logger,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
} from '@incumbent/core/client';
import { replicaIdentity } from '../elector/identity.js';
import {
  type ElectionOptions,
  ElectionOptionsError,
  type ResolvedTimings,
  resolveTimings,
} from '../elector/options.js';
import { LeaseClient } from '../lease/lease-client.js';
import type { LeasePort } from '../lease/lease-port.js';
import type { WorkItems } from './assignment.js';
import type { WorkClient } from './work-client.js';

/** `name` is the group's: the Lease of its leader bears it, and those of the members begin with it. The timings are those of all of them. */
export interface WorkGroupOptions<T, Result> extends Omit<ElectionOptions, 'identity'> {
  /** Where the items are: see {@link ResourceItems}. */
  readonly items: WorkItems<T, Result>;
  /**
   * How many items this member works on at a time, and so how many it is assigned: all others wait at the server.
   *
   * @defaultValue 1
   * @throws {@link IncumbentError} `WORK_CAPACITY` unless a whole number from 1 to 10,000
   */
  readonly capacity?: number | undefined;
  /** Beginning of the member's name; something that tells it from all others follows. @defaultValue the pod's name, or the host's */
  readonly identity?: string | undefined;
  readonly connection?: Connection;
  readonly clock?: Clock;
  readonly random?: Random;
  /** @defaultValue silent */
  readonly log?: Logger;
  /** Instead of a connection: for tests. */
  readonly server?: {
    readonly client: WorkClient;
    readonly leaseAt: (name: string) => LeasePort;
  };
}

export interface ResolvedWorkGroup<T, Result> {
  readonly name: string;
  readonly namespace: string;
  readonly member: string;
  readonly capacity: number;
  readonly items: WorkItems<T, Result>;
  readonly timings: ResolvedTimings;
  readonly client: WorkClient;
  readonly leaseAt: (name: string) => LeasePort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A label's value has room for the member's name, its term and the dot between. */
const LONGEST_MEMBER = 40;
const LONGEST_NAME = 60;
const MOST = 10_000;

/** @throws {@link ElectionOptionsError} for timings that don't fit, {@link IncumbentError} for the others */
export function resolveWorkGroup<T, Result>(
  options: WorkGroupOptions<T, Result>,
): ResolvedWorkGroup<T, Result> {
  const { name, items, connection, capacity = 1, clock = systemClock, random = systemRandom } = options;
  const namespace = options.namespace ?? connection?.namespace ?? 'default';
  const member = memberName(options.identity, random);
  const timings = resolveTimings({ ...options, identity: member });
  const server = options.server ?? (connection && serverAt(connection, namespace, timings.attemptTimeout));
  if (!server)
    throw new ElectionOptionsError('ELECTION_CONNECTION', `Work group "${name}": give a connection.`);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > MOST)
    throw new IncumbentError(
      'WORK_CAPACITY',
      `Work group "${name}": capacity (${capacity}) must be a whole number from 1 to ${MOST}.`,
    );
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    throw new IncumbentError(
      'WORK_NAME',
      `Work group "${name}": its name must be a DNS label of at most ${LONGEST_NAME} characters.`,
    );
  const log = (options.log ?? silentLogger).child({ group: `${namespace}/${name}`, member });
  return { name, namespace, member, capacity, items, timings, ...server, clock, random, log };
}

const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

function serverAt(
  connection: Connection,
  namespace: string,
  attemptTimeout: number,
): NonNullable<WorkGroupOptions<never, never>['server']> {
  return {
    client: new Client(connection),
    leaseAt: (name) => new LeaseClient(connection, { namespace, name }, attemptTimeout),
  };
}

/** Good for the name of a Lease and the value of a label, and never used twice: a session must not be taken for an earlier one. */
function memberName(identity: string | undefined, random: Random): string {
  const parts = replicaIdentity(random).split('_');
  const [nonce = ''] = parts.slice(-1);
  const readable = (identity ?? parts[0] ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return [readable.slice(0, LONGEST_MEMBER).replace(/^-|-$/g, ''), nonce].filter(Boolean).join('-');
}
