import { main } from './work-queue.js';

process.exitCode = await main(process.argv.slice(2));
