/** Leader election on Kubernetes Leases, with terms whose writes are fenced. */
export { leaderElection, type LeadershipRuntime } from './leader-election.js';
export { type Candidate, LeaderElector, type LeaderElectorOptions } from './elector/leader-elector.js';
export {
  type ElectionOptions,
  ElectionOptionsError,
  type ElectionPreset,
  type ElectionTimings,
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
export { type ReplicaEnvironment, replicaIdentity } from './elector/identity.js';
export type { AttemptOptions, LeasePort } from './lease/lease-port.js';
export { type LeaseRecord, recordOf } from './lease/lease-record.js';
export { microTime } from './lease/micro-time.js';
