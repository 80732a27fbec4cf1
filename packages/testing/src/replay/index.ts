/** Replays of operators with a fault at each of their writes. Loads `@incumbent/core`. */
export { replay, ReplayError, type ReplayReport } from './replay.js';
export type { Scenario, Stage } from './scenario.js';
export { type Fault, FAULTS, type FaultKind } from './fault.js';
