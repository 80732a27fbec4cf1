export { seededRandom } from './kit/seeded-random.js';
export { VirtualClock, settle } from './kit/virtual-clock.js';
