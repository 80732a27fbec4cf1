/** Incumbent's runtime: controllers, the operator that runs them, and everything they work with. */
export { LinkedAbort, aborted } from './kit/abort.js';
export { BackOff, type BackOffOptions } from './kit/back-off.js';
export { type Instant, elapsedSince, instant, systemClock } from './kit/clock.js';
export { type Duration, formatDuration, milliseconds } from './kit/duration.js';
export { IncumbentError, asError, codeOf, isIncumbentError, messageOf } from './kit/error.js';
export { type LogFields, silentLogger } from './kit/logger.js';
export {
  type Counter,
  type Gauge,
  type Histogram,
  type Labels,
  type MetricOptions,
  noMetrics,
} from './kit/metrics.js';
export { randomSuffix, systemRandom } from './kit/random.js';
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
  Job,
  Lease,
  Namespace,
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
export type { Credentials, Identification } from './client/credentials.js';
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
export type {
  ApplyOptions,
  DeleteOptions,
  JsonPatchOperation,
  Patch,
  SubresourceOptions,
  WriteOptions,
  Writer,
} from './client/writer.js';

export { type CustomResourceDefinitionDraft, customResourceDefinition } from './api/crd.js';

export { InformerCache, type InformerRequest } from './cache/cache.js';
export type { Change } from './cache/change.js';
export type { InformerHandler } from './cache/handlers.js';
export type { Indexer } from './cache/indexer.js';
export { type Informer } from './cache/informer.js';
export { type Lister, type ListerOptions } from './cache/lister.js';
export { CacheSyncError } from './cache/sync.js';
export { WorkQueue, type WorkQueueOptions } from './queue/work-queue.js';

export { Event } from './events/event.js';
export {
  type EventOptions,
  EventPublisher,
  type EventPublisherOptions,
  type EventRecorder,
  type Events,
} from './events/event-recorder.js';

export type { CacheReader, ReconcileContext } from './controller/context.js';
export {
  type Predicate,
  allOf,
  anyOf,
  contentChanges,
  onUpdate,
  userChanges,
} from './controller/predicate.js';
export {
  type Reconciler,
  type ReconcileResult,
  type RequeueAfter,
  RetryError,
  TerminalError,
  requeueAfter,
} from './controller/reconciler.js';

export { Controller, type ControllerOptions, type ReconcilerClass } from './decorators/controller.js';
export { Finalizer } from './decorators/finalizer.js';

export { Operator, type RunOptions } from './operator/operator.js';
export type { HttpOptions, OperatorOptions } from './operator/options.js';
export type { LeadershipProvider, LeadershipRuntime } from './operator/leadership-runtime.js';
export { Clock, Logger, Metrics, Random } from './operator/tokens.js';

// The parts of inversify that a controller needs, so that there is one copy of it.
export { ContainerModule, inject, injectable } from 'inversify';
