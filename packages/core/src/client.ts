/**
 * Connection, client and the words of the API, without an operator: loads neither inversify nor zod nor a metrics library.
 *
 * Everything here is in `@incumbent/core` too.
 */
export { LinkedAbort, aborted } from './kit/abort.js';
export { BackOff, type BackOffOptions } from './kit/back-off.js';
export { type Clock, type Instant, elapsedSince, instant, systemClock } from './kit/clock.js';
export { type Duration, formatDuration, milliseconds } from './kit/duration.js';
export { IncumbentError, asError, codeOf, isIncumbentError, messageOf } from './kit/error.js';
export type { LogLevel } from './kit/log-level.js';
export { type LogFields, type Logger, silentLogger } from './kit/logger.js';
export {
  type Counter,
  type Gauge,
  type Histogram,
  type Labels,
  type MetricOptions,
  type Metrics,
  noMetrics,
} from './kit/metrics.js';
export { type Random, randomSuffix, systemRandom } from './kit/random.js';
export { sleep } from './kit/sleep.js';

export { type Authority, AuthorityLostError, type Term } from './leadership/authority.js';
export type { Leadership, LeadershipState } from './leadership/leadership.js';
export { alone } from './leadership/alone.js';

export {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  CustomResourceDefinition,
  Deployment,
  Ingress,
  Job,
  Lease,
  Namespace,
  PersistentVolumeClaim,
  Pod,
  Role,
  RoleBinding,
  Secret,
  Service,
  ServiceAccount,
  type Wire,
} from './api/built-in.js';
export { type Condition, type ConditionUpdate, findCondition, setCondition } from './api/condition.js';
export {
  ApiError,
  RequestError,
  type Status,
  isAlreadyExists,
  isApiError,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  isStatus,
  isTooManyRequests,
  isUnauthorized,
} from './api/errors.js';
export {
  type DeepReadonly,
  type Draft,
  type KubernetesObject,
  type ObjectKey,
  type ObjectMeta,
  type OwnerReference,
  formatKey,
  keyOf,
  parseKey,
} from './api/object.js';
export { controllerOf, controllerReference, ownerReference } from './api/owner-reference.js';
export {
  type CustomResource,
  type CustomResourceOptions,
  type PrinterColumn,
  type Resource,
  type ResourceOf,
  type ResourceOptions,
  apiVersionOf,
  defineResource,
  qualifiedName,
  resource,
} from './api/resource.js';
export { type LabelSelector, formatLabelSelector } from './api/selectors.js';

export { Client, type ClientOptions } from './client/client.js';
export { type ConnectOptions, connect } from './client/connect.js';
export { Connection, type ConnectionOptions } from './client/connection.js';
export { type UntypedObject, discover } from './client/discovery.js';
export type { Credentials, Identification } from './client/credentials.js';
export type { RateLimitOptions } from './client/rate-limit.js';
export type { Observers } from './client/telemetry.js';
export type {
  GetOptions,
  List,
  ListOptions,
  Reader,
  RequestOptions,
  SelectorOptions,
  WatchEvent,
  WatchOptions,
} from './client/reader.js';
export { type PatchObjectOptions, patchObject, patchStatus } from './client/patch-object.js';
export type {
  ApplyOptions,
  DeleteOptions,
  JsonPatchOperation,
  Patch,
  SubresourceOptions,
  WriteOptions,
  Writer,
} from './client/writer.js';

export type { EncodedObject } from './client/encoded-object.js';
export type {
  EncodedEvent,
  ListerWatcher,
  ListPart,
  StreamOptions,
  StreamReader,
} from './client/lister-watcher.js';

export { Reflector, type ReflectorListener, type ReflectorOptions } from './watch/reflector.js';
export type { ListMode, ReflectorEvent } from './watch/reflector-state.js';
