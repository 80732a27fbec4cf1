/** The process of one member in the demo. */
import { runReplica } from '../../demo/replica-process.js';
import { main } from '../work-queue.js';

await runReplica(main);
