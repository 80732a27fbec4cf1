import { main } from './backup-operator.js';

process.exitCode = await main(process.argv.slice(2));
