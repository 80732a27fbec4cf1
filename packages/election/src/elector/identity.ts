/** The one room of this package that reads the environment and the machine. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { IncumbentError, type Random, randomSuffix } from '@incumbent/core/client';

export interface ReplicaEnvironment {
  readonly POD_NAME?: string | undefined;
  readonly POD_UID?: string | undefined;
}

/**
 * `<pod name>_<pod uid>_<nonce>`, from the downward API's `POD_NAME` and `POD_UID`; host name and process id where there is no pod.
 *
 * The nonce tells this elector from every other, also from an earlier one in the same pod.
 */
export function replicaIdentity(random: Random, environment: ReplicaEnvironment = process.env): string {
  const { POD_NAME: pod, POD_UID: uid } = environment;
  const replica = pod ? [pod, uid].filter(Boolean).join('_') : `${os.hostname()}_${process.pid}`;
  return `${replica}_${randomSuffix(random, 8)}`;
}

/** The identity that was given, or one that is made by what is asked for. */
export function resolveIdentity(
  { identity, retakeFromContainer: container }: IdentityOptions,
  random: Random,
): string {
  if (container === undefined) return identity ?? replicaIdentity(random);
  return identity === undefined ? containerIdentity(container, random) : ownRun(identity, container);
}

/** What an elector decided for its thread is taken as it is, and nothing else: an identity of one's own tells no run from another. */
function ownRun(identity: string, container: string): string {
  if (identity.split('_').at(-3) === container && identity.split('_').at(-2) === startOfProcess())
    return identity;
  throw new IncumbentError(
    'ELECTION_RETAKE',
    'retakeFromContainer and identity: give one of them, the other is made of it.',
  );
}

interface IdentityOptions {
  readonly identity?: string | undefined;
  readonly retakeFromContainer?: string | undefined;
}

/** What tells one run of a container from another. */
export interface ContainerRun {
  readonly pid: number;
  /** When the process was started, in ticks since the machine booted: the same in all its threads. Undefined where there is no `/proc`. */
  readonly startedAt: string | undefined;
}

const RUN = /^(\d+)_[0-9a-z]+$/;

/**
 * `<pod name>_<pod uid>_<container>_<start of the process>_<nonce>`: an identity by which the next run of this container knows that
 * this one is over.
 *
 * @throws {@link IncumbentError} `ELECTION_RETAKE` where it could not be known: without pod, as another process than the container's
 * first, without `/proc`
 */
export function containerIdentity(
  container: string,
  random: Random,
  environment: ReplicaEnvironment = process.env,
  run: ContainerRun = thisRun(),
): string {
  const { POD_NAME: pod, POD_UID: uid } = environment;
  const missing =
    (!(pod && uid) && 'POD_NAME and POD_UID are not set from the downward API') ||
    (!/^[a-z0-9-]+$/.test(container) && `"${container}" is no name of a container`) ||
    (run.pid !== 1 &&
      `this process is not the first of its container (pid ${run.pid}): another one in it may hold the lease`) ||
    (run.startedAt === undefined && 'there is no /proc/self/stat to tell one run from the next');
  if (missing)
    throw new IncumbentError(
      'ELECTION_RETAKE',
      `retakeFromContainer: an earlier run of the container can not be told from a living holder: ${missing}.`,
    );
  return `${pod}_${uid}_${container}_${run.startedAt}_${randomSuffix(random, 8)}`;
}

/** Whether `holder` is an earlier run of the container that `identity`, made by {@link containerIdentity}, names. */
export function isEarlierRun(holder: string, identity: string): boolean {
  const parts = identity.split('_');
  const [container, startedAt] = [parts.slice(0, -2).join('_'), parts.at(-2)];
  if (!holder.startsWith(`${container}_`)) return false;
  const [, other] = RUN.exec(holder.slice(container.length + 1)) ?? [];
  return other !== undefined && other !== startedAt;
}

function thisRun(): ContainerRun {
  return { pid: process.pid, startedAt: startOfProcess() };
}

/** Field 22 of `/proc/self/stat`; the second one, a name in parentheses, may have spaces. */
function startOfProcess(): string | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
