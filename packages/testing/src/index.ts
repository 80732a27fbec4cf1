/** Test tools for operators: an embedded Kubernetes API server. */
export { EmbeddedApiServer } from './api-server/server.js';
export type {
  EmbeddedApiServerOptions,
  Intercept,
  InterceptedRequest,
  KubeconfigOptions,
} from './api-server/server.js';
export type { DirectRequest, DirectResponse } from './api-server/direct.js';
export type { TokenUser } from './api-server/authentication.js';
export type { JournalEntry, JournalListener } from './api-server/journal.js';
export type { ApiResponse, Headers } from './api-server/http-message.js';
export type { RequestInfo, ResourceRequest, Verb } from './api-server/request-info.js';
export { ControlPlane, type RestartOptions, type UserOptions } from './control-plane/control-plane.js';
export type { ControlPlaneOptions } from './control-plane/options.js';
export type { ServiceAccountOptions } from './control-plane/service-account.js';
export type { Access } from './control-plane/access.js';
export { CertificateAuthority, type KeyPair, type Subject } from './control-plane/certificates.js';
export { type Assets, findAssets } from './control-plane/assets.js';
export { TestServerError } from './control-plane/error.js';
export { FaultProxy, type FaultProxyOptions, type Lift } from './fault-proxy/fault-proxy.js';
export { type Direction, Fault, type SeenRequest } from './fault-proxy/fault.js';
export type { Matching, RequestPattern, StrikeOptions } from './fault-proxy/matching.js';
export { blackHole, halfOpen, latency, refuseConnections } from './fault-proxy/connection-faults.js';
export {
  delayRequests,
  type DelayOptions,
  loseRequests,
  type LossOptions,
  serverError,
  type ServerErrorOptions,
  tooManyRequests,
  type TooManyRequestsOptions,
} from './fault-proxy/request-faults.js';
export { delayResponses, loseResponses } from './fault-proxy/response-faults.js';
export { cutWatches, type CutWatchOptions, delayWatchEvents } from './fault-proxy/watch-faults.js';
export {
  type FaultsOptions,
  type Rights,
  TestEnvironment,
  type TestEnvironmentOptions,
  type TestUserOptions,
} from './harness/test-environment.js';
export type { ServerKind, ServerOptions } from './harness/servers.js';
export type { Definition } from './harness/definitions.js';
export type { TestEvent } from './harness/events.js';
export type { NamespaceOptions } from './harness/namespaces.js';
export type { Grant, PolicyRule } from './harness/rights.js';
export type { Run, Runnable, Running } from './harness/running.js';
export { eventually, type EventuallyOptions, type MovableClock } from './harness/eventually.js';
export { type KubernetesMatchers, matchers } from './harness/matchers/matchers.js';
export type { ConditionStatus } from './harness/matchers/condition.js';
export type { EventPattern } from './harness/matchers/event.js';
export type { OwnershipOptions } from './harness/matchers/owner.js';
