import { type Duration, IncumbentError, milliseconds } from '@incumbent/core/client';

export interface ElectionTimings {
  /**
   * How long others leave a silent holder alone. Written into the Lease.
   *
   * Whole seconds, at least 1; at least 1.25 × `renewDeadline`, so that late commits and clocks of different rates have room.
   *
   * @defaultValue `'15s'`, as Kubernetes' own components
   * @throws {@link ElectionOptionsError} `ELECTION_LEASE_DURATION`
   */
  readonly leaseDuration?: Duration | undefined;
  /**
   * How long after the last successful renewal was sent the leader goes on. Measured on the monotonic clock.
   *
   * @defaultValue `'10s'`, as Kubernetes' own components
   * @throws {@link ElectionOptionsError} `ELECTION_RENEW_DEADLINE` unless above `renewInterval`
   * @see client-go, tools/leaderelection: RenewDeadline
   */
  readonly renewDeadline?: Duration | undefined;
  /**
   * Time between two successful renewals. client-go renews every retry period instead, and so writes three times as often.
   *
   * @defaultValue half of `renewDeadline`
   */
  readonly renewInterval?: Duration | undefined;
  /**
   * Time between the starts of two attempts after one failed.
   *
   * @defaultValue `'1.5s'`
   * @throws {@link ElectionOptionsError} `ELECTION_RETRY_PERIOD` when zero or above `renewInterval`
   */
  readonly retryPeriod?: Duration | undefined;
}

/** `fast`: failover matters more than traffic. `slow`: many electors on one cluster. */
export type ElectionPreset = 'fast' | 'balanced' | 'slow';

export interface ElectionOptions extends ElectionTimings {
  /** Name of the Lease. */
  readonly name: string;
  /** Namespace of the Lease. @defaultValue the connection's */
  readonly namespace?: string | undefined;
  /** Timings that fit each other; single ones can be replaced. @defaultValue `'balanced'` */
  readonly preset?: ElectionPreset | undefined;
  /** What is written as the holder: the exact string. Must differ between replicas. @defaultValue see {@link replicaIdentity} */
  readonly identity?: string | undefined;
  /**
   * Name of the container that this process is the first process of, as in its pod. A lease that an earlier run of the same container of the
   * same pod left behind, because it crashed, is then taken after `leaseDuration` − `renewDeadline`, the room for writes that were
   * on their way, instead of after `leaseDuration`. Not together with `identity`.
   *
   * Trusts the kubelet to start a container only when its last run is over. A write of that run that the server takes longer for than the
   * room is accepted late: leave this out where that must not be.
   *
   * @defaultValue none: such a lease is a stranger's
   * @throws {@link IncumbentError} `ELECTION_RETAKE` where the earlier run can't be told from a living holder
   */
  readonly retakeFromContainer?: string | undefined;
  /**
   * How long work may take to end after it was asked to, before the lease is no longer renewed for it. It then lapses, unreleased.
   *
   * @defaultValue `'30s'`, as a pod's termination grace period
   */
  readonly drainGrace?: Duration | undefined;
  /**
   * How long who takes over from a holder that did not release waits before its work begins: time for what the lost holder set going
   * outside of the cluster to come to its end. It holds the lease meanwhile, also when it is asked to end: the next would find it
   * released, and begin at once.
   *
   * @defaultValue 0: writes to the cluster are fenced, and need no delay
   */
  readonly lockDelay?: Duration | undefined;
}

/** Options with every default filled in; durations in milliseconds. */
export interface ResolvedTimings {
  readonly leaseDuration: number;
  readonly renewDeadline: number;
  readonly renewInterval: number;
  readonly retryPeriod: number;
  readonly drainGrace: number;
  readonly lockDelay: number;
  /** Longest time for one attempt at the Lease. */
  readonly attemptTimeout: number;
}

export class ElectionOptionsError extends IncumbentError {}

const PRESETS: Readonly<
  Record<ElectionPreset, Required<{ readonly [Key in keyof ElectionTimings]: Duration }>>
> = {
  fast: { leaseDuration: '5s', renewDeadline: '3s', renewInterval: '1.5s', retryPeriod: '500ms' },
  balanced: { leaseDuration: '15s', renewDeadline: '10s', renewInterval: '5s', retryPeriod: '1.5s' },
  slow: { leaseDuration: '60s', renewDeadline: '45s', renewInterval: '20s', retryPeriod: '5s' },
};

/**
 * Fills in the defaults and checks how the timings relate.
 *
 * @throws {@link ElectionOptionsError} that names the fields that don't fit
 */
export function resolveTimings(options: Omit<ElectionOptions, 'name' | 'namespace'>): ResolvedTimings {
  const preset = PRESETS[options.preset ?? 'balanced'];
  if (!preset)
    throw new ElectionOptionsError(
      'ELECTION_PRESET',
      `There is no preset "${options.preset}": use fast, balanced or slow.`,
    );
  const leaseDuration = milliseconds(options.leaseDuration ?? preset.leaseDuration);
  const renewDeadline = milliseconds(options.renewDeadline ?? preset.renewDeadline);
  const renewInterval = milliseconds(
    options.renewInterval ?? (options.renewDeadline === undefined ? preset.renewInterval : renewDeadline / 2),
  );
  const retryPeriod = milliseconds(options.retryPeriod ?? preset.retryPeriod);
  const attemptTimeout = Math.max(retryPeriod, (renewDeadline - renewInterval) / 3);
  const timings = {
    leaseDuration,
    renewDeadline,
    renewInterval,
    retryPeriod,
    attemptTimeout,
    drainGrace: milliseconds(options.drainGrace ?? '30s'),
    lockDelay: milliseconds(options.lockDelay ?? 0),
  };
  check(timings);
  return Object.freeze(timings);
}

function check({ leaseDuration, renewDeadline, renewInterval, retryPeriod }: ResolvedTimings): void {
  if (leaseDuration < 1000 || leaseDuration % 1000 !== 0) {
    throw new ElectionOptionsError(
      'ELECTION_LEASE_DURATION',
      `leaseDuration (${leaseDuration} ms) must be whole seconds, at least 1: the Lease stores seconds.`,
    );
  }
  if (leaseDuration < 1.25 * renewDeadline) {
    throw new ElectionOptionsError(
      'ELECTION_LEASE_DURATION',
      `leaseDuration (${leaseDuration} ms) must be at least 1.25 × renewDeadline (${renewDeadline} ms): between them lies the room for writes that arrive late.`,
    );
  }
  if (renewDeadline <= renewInterval) {
    throw new ElectionOptionsError(
      'ELECTION_RENEW_DEADLINE',
      `renewDeadline (${renewDeadline} ms) must be above renewInterval (${renewInterval} ms): else each term ends before its first renewal.`,
    );
  }
  if (retryPeriod <= 0 || retryPeriod > renewInterval) {
    throw new ElectionOptionsError(
      'ELECTION_RETRY_PERIOD',
      `retryPeriod (${retryPeriod} ms) must be above 0 and at most renewInterval (${renewInterval} ms).`,
    );
  }
}

/** A sentence about timings that work but leave little room, or undefined. */
export function timingsWarning({
  renewDeadline,
  renewInterval,
  retryPeriod,
}: ResolvedTimings): string | undefined {
  if (renewDeadline - renewInterval >= 2 * retryPeriod) return undefined;
  return `renewDeadline − renewInterval (${renewDeadline - renewInterval} ms) is less than two retry periods (${retryPeriod} ms): one failed renewal may end the term.`;
}
