import type { KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { ControllerDefinition, FinalizerDefinition } from '../controller/definition.js';
import type { Reconciler } from '../controller/reconciler.js';
import type { Watch } from '../controller/watch.js';
import { milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import type { BucketOptions } from '../queue/rate-limiter.js';
import type { ControllerOptions } from './controller.js';
import type { FinalizerMetadata } from './finalizer.js';

/** What the decorators say of a class, checked and with defaults, without an instance of it. */
export type ControllerPlan = Omit<ControllerDefinition, 'reconciler' | 'finalizer' | 'timers' | 'daemons'> & {
  readonly on: 'leader' | 'every-replica';
};

/** @throws {@link IncumbentError} `CONTROLLER_INVALID` */
export function planOf(className: string, options: ControllerOptions<KubernetesObject>): ControllerPlan {
  const { name = className, concurrency = 1, predicate, maxRetries } = options;
  // A circular import leaves `for` undefined, whatever the types say.
  const resource: ControllerPlan['resource'] | undefined = options.for;
  if (!resource)
    throw invalid(name, 'has no `for`: say which kind it reconciles (or is there a circular import?)');
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw invalid(name, `has concurrency ${concurrency}: it must be a whole number from 1`);
  if (options.namespaces?.length === 0)
    throw invalid(name, 'has an empty list of namespaces: leave it out to look at all');
  if (maxRetries !== undefined && !isCount(maxRetries))
    throw invalid(name, `has maxRetries ${maxRetries}: it must be a whole number from 0`);
  if (options.resyncPeriod !== undefined && milliseconds(options.resyncPeriod) === 0)
    throw invalid(name, 'has a resyncPeriod of 0: leave it out for none');
  return {
    name,
    resource,
    owns: defined(name, 'owns', options.owns),
    watches: defined(name, 'watches', options.watches).map((watch) => watched(name, watch)),
    reads: defined(name, 'reads', options.reads),
    namespaces: options.namespaces,
    labelSelector: options.labelSelector,
    predicate,
    concurrency,
    reconcileTimeout: timeoutOf(options.reconcileTimeout),
    backOff: backOffOf(name, options.backOff),
    retryRate: retryRateOf(name, options.retryRate),
    maxRetries,
    resyncPeriod: options.resyncPeriod === undefined ? undefined : milliseconds(options.resyncPeriod),
    on: options.on ?? 'leader',
  };
}

/** The cleanup method of an instance, under its finalizer's name. */
export function finalizerDefinition(
  reconciler: Reconciler,
  metadata: FinalizerMetadata | undefined,
): FinalizerDefinition<KubernetesObject> | undefined {
  if (!metadata) return undefined;
  const { name, method } = metadata;
  const cleanups = reconciler as unknown as Readonly<
    Record<string, FinalizerDefinition<KubernetesObject>['cleanup']>
  >;
  return {
    name,
    cleanup: (object, context) => {
      const cleanup = cleanups[method];
      // Never as if it had succeeded.
      if (!cleanup)
        throw new IncumbentError('CONTROLLER_INVALID', `The cleanup method ${method} is not there.`);
      return cleanup.call(reconciler, object, context);
    },
  };
}

function timeoutOf(
  timeout: ControllerOptions<KubernetesObject>['reconcileTimeout'],
): ControllerPlan['reconcileTimeout'] {
  if (timeout === undefined) return undefined;
  return typeof timeout === 'function' ? (object) => milliseconds(timeout(object)) : milliseconds(timeout);
}

function backOffOf(
  name: string,
  { start = '5ms', cap = '1000s' }: NonNullable<ControllerOptions<KubernetesObject>['backOff']> = {},
): ControllerPlan['backOff'] {
  const backOff = { start: milliseconds(start), cap: milliseconds(cap) };
  if (backOff.start > 0 && backOff.start <= backOff.cap) return backOff;
  throw invalid(name, `has a backOff from ${start} to ${cap}: start must be above 0, and at most cap`);
}

function retryRateOf(name: string, { perSecond = 10, burst = 100 }: BucketOptions = {}): BucketOptions {
  if (perSecond > 0 && Number.isFinite(perSecond) && isCount(burst) && burst > 0) return { perSecond, burst };
  throw invalid(
    name,
    `has a retryRate of ${perSecond} per second, ${burst} at once: both must be above 0, and burst a whole number`,
  );
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

/** What a watch is of can be undefined like everything else that is imported. */
function watched(name: string, watch: Watch): Watch {
  const resource: Resource | undefined = watch.resource;
  if (!resource) throw invalid(name, 'has a watch of an undefined kind: is there a circular import?');
  if (watch.namespaces?.length === 0)
    throw invalid(name, `watches ${resource.kind} in an empty list of namespaces`);
  return watch;
}

function defined<R>(name: string, option: string, resources: readonly R[] | undefined = []): readonly R[] {
  if (resources.every(Boolean)) return resources;
  throw invalid(name, `has an undefined entry in \`${option}\`: is there a circular import?`);
}

function invalid(name: string, what: string): IncumbentError {
  return new IncumbentError('CONTROLLER_INVALID', `${name} ${what}${what.endsWith('?') ? '' : '.'}`);
}
