/** The inversify container of one run of an operator. Nothing is shared between runs, or with other operators in the process. */
import { Container, type Newable } from 'inversify';
import { InformerCache } from '../cache/cache.js';
import { Client } from '../client/client.js';
import { Connection } from '../client/connection.js';
import type { ControllerDefinition } from '../controller/definition.js';
import type { ControllerRuntime } from '../controller/controller-runtime.js';
import type { Runnable } from '../controller/runnable.js';
import type { ResolvedOperatorOptions } from './options.js';
import { Clock, Logger, Metrics, Random } from './tokens.js';
import {
  identifierOf,
  type Planned,
  type PlannedRunnable,
  resolveDefinition,
  resolveRunnable,
} from './wiring.js';

export interface ContainerParts extends ControllerRuntime {
  readonly connection: Connection;
  readonly client: Client;
}

/** Loads the modules over what the operator itself offers. A module may rebind that. */
export async function containerOf(
  { modules }: ResolvedOperatorOptions,
  parts: ContainerParts,
): Promise<Container> {
  const container = new Container({ defaultScope: 'Singleton' });
  container.bind(Connection).toConstantValue(parts.connection);
  container.bind(Client).toConstantValue(parts.client);
  container.bind(InformerCache).toConstantValue(parts.cache);
  container.bind(Clock).toConstantValue(parts.clock);
  container.bind(Random).toConstantValue(parts.random);
  container.bind(Logger).toConstantValue(parts.log);
  container.bind(Metrics).toConstantValue(parts.metrics);
  await container.loadAsync(...modules);
  return container;
}

/** Makes each controller in a container of its own below the operator's, with a logger that says its name. */
export function definitionsOf(
  planned: readonly Planned[],
  container: Container,
  parts: ContainerParts,
): Promise<(ControllerDefinition & Pick<Planned['plan'], 'on'>)[]> {
  return Promise.all(
    planned.map(async (each) => {
      const own = ownContainer(each.target, container, parts.log.child({ controller: each.plan.name }));
      return { ...(await resolveDefinition(each, own)), on: each.plan.on };
    }),
  );
}

/** As {@link definitionsOf}, of the runnables. */
export function runnablesOf(
  planned: readonly PlannedRunnable[],
  container: Container,
  parts: ContainerParts,
): Promise<(PlannedRunnable & { readonly runnable: Runnable })[]> {
  return Promise.all(
    planned.map(async (each) => {
      const own = ownContainer(each.target, container, parts.log.child({ runnable: each.name }));
      return { ...each, runnable: await resolveRunnable(each, own) };
    }),
  );
}

function ownContainer<T>(
  target: new (...dependencies: never[]) => T,
  container: Container,
  log: Logger,
): Container {
  const own = new Container({ parent: container, defaultScope: 'Singleton' });
  own.bind(Logger).toConstantValue(log);
  const identifier = identifierOf(target);
  if (!container.isBound(identifier)) own.bind(identifier).to(target as unknown as Newable<T>);
  return own;
}
