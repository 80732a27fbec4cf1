import { FAULT_KINDS } from './fault.js';
import { runHistory } from './history.js';
import { MUTATIONS } from './mutations.js';
import { PROPERTIES } from './referee.js';
import { scenarioOf } from './scenario.js';
import type { Subject } from './subject.js';

/** An election as a subject of simulation. */
export const ELECTION: Subject = {
  properties: PROPERTIES,
  mutations: MUTATIONS,
  faults: FAULT_KINDS,
  scenarioOf,
  async run(scenario, { mutation, trace } = {}) {
    const mutate = mutation === undefined ? undefined : MUTATIONS[mutation]?.hooks;
    const { handovers, writes, ...result } = await runHistory(scenario, { mutate, trace });
    return { ...result, counts: { handovers, 'writes accepted': writes } };
  },
};
