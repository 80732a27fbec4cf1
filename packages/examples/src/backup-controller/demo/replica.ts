/** The process of one replica in the demo: the operator's own main, which also ends when the demo is gone. */
import { main } from '../backup-operator.js';

// The demo's Ctrl-C reaches the whole terminal; replicas stop when the demo tells them to, as a kubelet would.
process.on('SIGINT', () => {});
// However the demo ended, nothing stays behind.
process.on('disconnect', () => process.exit(1));

process.exitCode = await main(process.argv.slice(2));
process.disconnect?.();
