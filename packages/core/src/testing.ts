/** For tests: a clock that moves when told, and chance that repeats itself. */
export { VirtualClock, settle } from './kit/virtual-clock.js';
export { encode } from './client/encoded-object.js';
export { seededRandom } from './kit/seeded-random.js';
