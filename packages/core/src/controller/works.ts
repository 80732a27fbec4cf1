import { formatKey, type KubernetesObject } from '../api/object.js';
import { Controller } from './controller.js';
import type { ControllerRuntime } from './controller-runtime.js';
import { DaemonWork } from './daemon.js';
import type { ControllerDefinition, FinalizerDefinition } from './definition.js';
import { timerController } from './timer.js';
import type { Work } from './work.js';

/** Everything that a class of reconcilers has to do: the controller, its timers, its daemons. Asks for their informers. */
export function worksOf<T extends KubernetesObject>(
  definition: ControllerDefinition<T>,
  runtime: ControllerRuntime,
): Work[] {
  const { timers = [] } = definition;
  const daemons = (definition.daemons ?? []).map((each) => new DaemonWork(definition, each, runtime));
  const finalizer = definition.finalizer && afterDaemons(definition.finalizer, daemons);
  return [
    new Controller({ ...definition, finalizer }, runtime),
    ...timers.map((timer) => {
      const log = runtime.log.child({ timer: timer.method });
      return new Controller(timerController(definition, timer), { ...runtime, log });
    }),
    ...daemons,
  ];
}

/** What a daemon works on is cleaned up only once the daemon has let go of it. */
function afterDaemons<T extends KubernetesObject>(
  finalizer: FinalizerDefinition<T>,
  daemons: readonly DaemonWork<T>[],
): FinalizerDefinition<T> {
  if (daemons.length === 0) return finalizer;
  return {
    name: finalizer.name,
    cleanup: async (object, context) => {
      await Promise.all(daemons.map((each) => each.end(formatKey(context.key), context.signal)));
      return finalizer.cleanup(object, context);
    },
  };
}
