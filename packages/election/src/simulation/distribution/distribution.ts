import { FAULT_KINDS } from '../fault.js';
import type { Subject } from '../subject.js';
import { runWorkHistory } from './history.js';
import { WORK_MUTATIONS } from './mutations.js';
import { WORK_PROPERTIES } from './referee.js';
import { type WorkScenario, hasFault, workScenarioOf } from './scenario.js';

/** A work group as a subject of simulation. */
export const DISTRIBUTION: Subject = {
  properties: WORK_PROPERTIES,
  mutations: WORK_MUTATIONS,
  faults: FAULT_KINDS.filter(hasFault),
  scenarioOf: workScenarioOf,
  async run(scenario, { mutation, trace } = {}) {
    const mutate = mutation === undefined ? undefined : WORK_MUTATIONS[mutation]?.hooks;
    return runWorkHistory(scenario as WorkScenario, { mutate, trace });
  },
};
