import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { Logger } from '../kit/logger.js';
import { defaultRateLimiter } from '../queue/rate-limiter.js';
import { WorkQueue } from '../queue/work-queue.js';
import { CacheView } from './cache-view.js';
import { coalesceWakes, type Wake } from './cause.js';
import { Conclusions } from './conclusions.js';
import { ControllerMetrics } from './controller-metrics.js';
import type { ControllerRuntime } from './controller-runtime.js';
import type { ControllerDefinition } from './definition.js';
import { LoopGuard } from './loop-guard.js';
import { OwnVersions } from './own-versions.js';
import { ReconcileCalls } from './reconcile-calls.js';
import { SourceRuns } from './source-runs.js';

/** What a controller consists of. */
export interface ControllerParts<T extends KubernetesObject> {
  readonly log: Logger;
  readonly view: CacheView;
  readonly queue: WorkQueue<Wake>;
  readonly own: OwnVersions;
  readonly calls: ReconcileCalls<T>;
  readonly conclusions: Conclusions;
  readonly guard: LoopGuard;
  readonly sources: SourceRuns;
}

export function partsOf<T extends KubernetesObject>(
  definition: ControllerDefinition<T>,
  runtime: ControllerRuntime,
  wake: (key: string, wake: Wake) => void,
): ControllerParts<T> {
  const { name, resource, reconciler, maxRetries = Infinity } = definition;
  const { clock, random } = runtime;
  const metrics = new ControllerMetrics(runtime.metrics, name, definition.concurrency);
  const log = runtime.log.child({ controller: name });
  const view = new CacheView(runtime.cache, definition as unknown as ControllerDefinition);
  const own = new OwnVersions();
  const queue = queueOf(definition, runtime);
  const recorderFor = (object: DeepReadonly<KubernetesObject>) =>
    runtime.events.recorderFor(resource, object, name);
  const sources = reconciler.sources?.() ?? [];
  return {
    log,
    view,
    queue,
    own,
    calls: new ReconcileCalls({ definition, runtime, view, metrics, own }),
    conclusions: new Conclusions({ queue, metrics, recorderFor, maxRetries }),
    guard: new LoopGuard({ clock, metrics, recorderFor }),
    sources: new SourceRuns({ sources, cache: view, clock, random, log, metrics, wake }),
  };
}

function queueOf<T extends KubernetesObject>(
  { name, backOff = {}, retryRate = {} }: ControllerDefinition<T>,
  { clock, metrics }: ControllerRuntime,
): WorkQueue<Wake> {
  const limiter = defaultRateLimiter(clock, { perKey: backOff, overall: retryRate });
  return new WorkQueue<Wake>({ name, clock, limiter, metrics, coalesce: coalesceWakes });
}
