/** The process of one replica in the demo. */
import { runReplica } from '../../demo/replica-process.js';
import { main } from '../backup-operator.js';

await runReplica(main);
