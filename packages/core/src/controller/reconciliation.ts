import { isNotFound } from '../api/errors.js';
import { type DeepReadonly, type KubernetesObject, keyOf } from '../api/object.js';
import { noTracing } from '../kit/tracing.js';
import { type CallOptions, contextFor } from './call-context.js';
import type { ReconcileContext } from './context.js';
import type { ControllerDefinition } from './definition.js';
import { addFinalizer, type FinalizerStep, removeFinalizer } from './finalizer.js';
import type { Settled } from './outcome.js';
import type { ReconcileResult } from './reconciler.js';

export interface ReconciliationOptions<T extends KubernetesObject> extends CallOptions<T> {
  readonly definition: ControllerDefinition<T>;
  readonly step: Exclude<FinalizerStep, 'skip'>;
}

/** One pass over one object: the user's code, and the finalizer before or after it. Never rejects. */
export async function reconciliation<T extends KubernetesObject>(
  options: ReconciliationOptions<T>,
): Promise<Settled> {
  const { tracing = noTracing } = options.runtime;
  const context = contextFor(options);
  try {
    const result = await tracing.span(`reconcile ${options.definition.name}`, attributesOf(options), () =>
      pass(options, context),
    );
    return { result };
  } catch (error) {
    return { error };
  }
}

function pass<T extends KubernetesObject>(
  options: ReconciliationOptions<T>,
  context: ReconcileContext,
): Promise<ReconcileResult> {
  switch (options.step) {
    case 'reconcile':
      return options.definition.reconciler.reconcile(options.object, context);
    case 'add':
      return addThenReconcile(options, context);
    case 'cleanup':
      return cleanUp(options, context);
  }
}

async function addThenReconcile<T extends KubernetesObject>(
  { definition, object }: ReconciliationOptions<T>,
  context: ReconcileContext,
): Promise<ReconcileResult> {
  const { resource, reconciler, finalizer } = definition;
  if (!finalizer) return undefined;
  try {
    object = (await addFinalizer(context.client, resource, object, finalizer.name)) as DeepReadonly<T>;
  } catch (error) {
    // Gone, and never touched: nothing to do, nothing to clean up.
    if (isNotFound(error)) return undefined;
    throw error;
  }
  return reconciler.reconcile(object, context);
}

async function cleanUp<T extends KubernetesObject>(
  { definition, object }: ReconciliationOptions<T>,
  context: ReconcileContext,
): Promise<ReconcileResult> {
  const { resource, finalizer } = definition;
  if (!finalizer) return undefined;
  const result = await finalizer.cleanup(object, context);
  if (result) return result;
  await removeFinalizer(context.client, resource, object, finalizer.name);
  return undefined;
}

/** @see OpenTelemetry's semantic conventions: `k8s.namespace.name` is theirs, the rest is ours */
function attributesOf<T extends KubernetesObject>({
  definition,
  object,
  step,
  call,
}: ReconciliationOptions<T>) {
  const { namespace = '', name } = keyOf(object);
  return {
    'incumbent.controller': definition.name,
    'incumbent.step': step,
    'incumbent.term': call.term.number,
    'k8s.namespace.name': namespace,
    'k8s.object.kind': definition.resource.kind,
    'k8s.object.name': name,
  };
}
