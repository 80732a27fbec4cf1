import type { KubernetesObject, Term } from '@incumbent/core/client';
import { resource } from '@incumbent/core/client';
import type { WorkItems } from '../../work/assignment.js';
import type { WorkClient } from '../../work/work-client.js';
import type { Network } from '../network.js';
import type { Surroundings } from '../world.js';
import type { ObjectServer } from './object-server.js';
import type { WorkParticipant } from './participant.js';
import type { WorkReferee } from './referee.js';
import type { WorkScenario } from './scenario.js';

/** An item of work: so many steps, each of which writes something. */
export interface Item extends KubernetesObject {
  spec: { readonly steps: number };
  status?: { readonly result: string };
}

export const Item = resource<Item>({
  group: 'simulated.incumbent.dev',
  version: 'v1',
  kind: 'Item',
  scope: 'Namespaced',
});

export type Items = WorkItems<Item, NonNullable<Item['status']>>;

/** Where work distribution, or what stands around it, can be broken on purpose. */
export interface WorkHooks {
  /** Stands between the group and the server. */
  readonly client?: (client: WorkClient) => WorkClient;
  /** Stands between the group and its items. */
  readonly items?: (items: Items) => Items;
  /** Stands between the work and the term of its item. */
  readonly term?: (term: Term) => Term;
  /** The fence is tested when a write is called, and not again at the socket. */
  readonly skipsSocketCheck?: boolean;
  /** Nobody is told of writes whose answers were lost. */
  readonly forgetsLateWrites?: boolean;
}

/** What everything in one history of a work group shares. */
export interface WorkWorld extends Surroundings {
  readonly scenario: WorkScenario;
  readonly network: Network<ObjectServer>;
  readonly referee: WorkReferee;
  readonly mutate: (process: WorkParticipant) => WorkHooks;
}
