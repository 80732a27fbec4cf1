/** What the demo installs: from the same files with which one installs the operator. */
import { readFile } from 'node:fs/promises';
import type { KubernetesObject } from '@incumbent/core';
import { parseAllDocuments } from 'yaml';

const DEPLOY = new URL('../../../../../deploy/base/', import.meta.url);

/** Everything but the Deployment, its volume and its disruption budget: the demo's replicas are processes. */
const FILES = [
  'crd.yaml',
  'namespace.yaml',
  'service-account.yaml',
  'role.yaml',
  'role-binding.yaml',
  'cluster-role.yaml',
  'cluster-role-binding.yaml',
];

export async function operatorManifests(): Promise<KubernetesObject[]> {
  const texts = await Promise.all(FILES.map((file) => readFile(new URL(file, DEPLOY), 'utf8')));
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject),
  );
}
