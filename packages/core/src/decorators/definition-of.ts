import type { KubernetesObject } from '../api/object.js';
import type { ControllerDefinition, FinalizerDefinition } from '../controller/definition.js';
import type { Reconciler } from '../controller/reconciler.js';
import { milliseconds } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import type { ControllerOptions } from './controller.js';
import type { FinalizerMetadata } from './finalizer.js';

/** What the decorators say of a class, checked and with defaults, without an instance of it. */
export type ControllerPlan = Omit<ControllerDefinition, 'reconciler' | 'finalizer'> & {
  readonly on: 'leader' | 'every-replica';
};

/** @throws {@link IncumbentError} `CONTROLLER_INVALID` */
export function planOf(className: string, options: ControllerOptions<KubernetesObject>): ControllerPlan {
  const { name = className, concurrency = 1, reconcileTimeout, predicate } = options;
  // A circular import leaves `for` undefined, whatever the types say.
  const resource: ControllerPlan['resource'] | undefined = options.for;
  if (!resource)
    throw invalid(name, 'has no `for`: say which kind it reconciles (or is there a circular import?)');
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw invalid(name, `has concurrency ${concurrency}: it must be a whole number from 1`);
  if (options.namespaces?.length === 0)
    throw invalid(name, 'has an empty list of namespaces: leave it out to look at all');
  return {
    name,
    resource,
    owns: defined(name, 'owns', options.owns),
    reads: defined(name, 'reads', options.reads),
    namespaces: options.namespaces,
    labelSelector: options.labelSelector,
    predicate,
    concurrency,
    reconcileTimeout: reconcileTimeout === undefined ? undefined : milliseconds(reconcileTimeout),
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

function defined<R>(name: string, option: string, resources: readonly R[] | undefined = []): readonly R[] {
  if (resources.every(Boolean)) return resources;
  throw invalid(name, `has an undefined entry in \`${option}\`: is there a circular import?`);
}

function invalid(name: string, what: string): IncumbentError {
  return new IncumbentError('CONTROLLER_INVALID', `${name} ${what}.`);
}
