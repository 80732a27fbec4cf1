/** Leader election on Kubernetes Leases, with terms whose writes are fenced. */
export { leaderElection, type LeadershipRuntime } from './leader-election.js';
export { type Candidate, LeaderElector, type LeaderElectorOptions } from './elector/leader-elector.js';
export {
  type ElectionOptions,
  ElectionOptionsError,
  type ElectionPreset,
  type ElectionTimings,
  type ResolvedTimings,
  resolveTimings,
} from './elector/options.js';
export {
  type Decision,
  type Follower,
  HANDOVER_ANNOTATION,
  type Leader,
  type Observation,
  type Sighting,
  decide,
} from './elector/decide.js';
export { HANDOVER_REQUEST_ANNOTATION, handoverRequest } from './elector/handover-request.js';
export { type ReplicaEnvironment, replicaIdentity } from './elector/identity.js';
export type { AttemptOptions, LeasePort } from './lease/lease-port.js';
export { type LeaseRecord, recordOf } from './lease/lease-record.js';
export { microTime } from './lease/micro-time.js';
export { MicroTime } from './lease/micro-time.js';
export { isExpired, type TypedLease, type TypedLeaseSpec } from './lease/typed-lease.js';
export {
  type LeaseEvent,
  Leases,
  type LeasesOptions,
  type LeaseWatchOptions,
  WritableLeases,
} from './lease/leases.js';
export type { RemovableLeasePort } from './lease/lease-port.js';
export { Lock, withLock } from './lock/lock.js';
export type { HeldLock } from './lock/held-lock.js';
export type { AcquireOptions, LockOptions } from './lock/lock-options.js';
export {
  LockError,
  LockHeldError,
  type LockHolder,
  type LockLoss,
  LockLostError,
  LockTimeoutError,
} from './lock/lock-errors.js';
export { Semaphore, type SemaphoreOptions, withPermit } from './lock/semaphore.js';
export type { ThreadOptions, WorkerThreadOptions } from './worker/options.js';
export { WorkerElector, type WorkerElectorOptions } from './worker/worker-elector.js';
export { type Membership, WorkGroup } from './work/work-group.js';
export type { WorkGroupOptions } from './work/work-options.js';
export type { Work, WorkContext } from './work/processor.js';
export {
  EPOCH_ANNOTATION,
  REVOKED_ANNOTATION,
  ResourceItems,
  type ResourceItemsOptions,
  SESSION_LABEL,
} from './work/resource-items.js';
export type { Assignment, FollowOptions, ItemNews, WorkItem, WorkItems } from './work/assignment.js';
