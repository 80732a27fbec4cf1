/** A piece of work: hash a file. Its CustomResourceDefinition is generated from this file. */
import { type ResourceOf, defineResource } from '@incumbent/core';
import { z } from 'zod';

export const WorkItem = defineResource({
  group: 'queue.incumbent.dev',
  version: 'v1',
  kind: 'WorkItem',
  spec: z.object({
    path: z.string().min(1).describe('The file to hash.'),
    salt: z
      .string()
      .describe('Goes into the hash before the file, so that each item has a result of its own.'),
  }),
  status: z.object({
    sha256: z.string().optional().describe('The result, hexadecimal. The item is done once it stands here.'),
    bytes: z.int().min(0).optional(),
    member: z.string().optional().describe('Who did it.'),
    assignment: z.int().min(1).optional().describe('The how manieth assignment of the item had this result.'),
  }),
  columns: [
    { name: 'Session', type: 'string', jsonPath: '.metadata.labels.work\\.incumbent\\.dev/session' },
    { name: 'SHA256', type: 'string', jsonPath: '.status.sha256' },
    { name: 'Path', type: 'string', jsonPath: '.spec.path', priority: 1 },
  ],
});

export type WorkItem = ResourceOf<typeof WorkItem>;

export function isDone({ status }: { readonly status?: { readonly sha256?: string | undefined } }): boolean {
  return status?.sha256 !== undefined;
}
