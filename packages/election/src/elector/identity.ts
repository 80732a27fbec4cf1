/** The one room of this package that reads the environment and the machine. */
import os from 'node:os';
import { type Random, randomSuffix } from '@incumbent/core/client';

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
