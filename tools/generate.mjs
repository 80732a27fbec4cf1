/** Writes the files that are generated from the sources: `npm run generate`. */
import { writeManifests } from '../packages/examples/dist/backup-controller/manifests.js';

await writeManifests();
