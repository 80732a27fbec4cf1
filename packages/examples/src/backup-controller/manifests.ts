/** Writes `deploy/base/crd.yaml` from the definition of the resource: `npm run generate`. */
import { writeFile } from 'node:fs/promises';
import { customResourceDefinition } from '@incumbent/core';
import { stringify } from 'yaml';
import { Backup } from './backup.js';

export const CRD_FILE = new URL('../../../../deploy/base/crd.yaml', import.meta.url);

export function crdManifest(): string {
  return `# Generated from the resource's definition: npm run generate\n${stringify(customResourceDefinition(Backup), { lineWidth: 0 })}`;
}

export async function writeManifests(): Promise<void> {
  await writeFile(CRD_FILE, crdManifest());
}
