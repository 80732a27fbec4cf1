/** The Backup resource: what users write, and what they read back. Its CustomResourceDefinition is generated from this file. */
import { type DeepReadonly, type ResourceOf, defineResource } from '@incumbent/core';
import { z } from 'zod';

const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.iso.datetime(),
  observedGeneration: z.int().optional(),
});

const Archive = z.object({
  path: z.string().describe('Where the archive lies.'),
  bytes: z.int().min(0),
  sha256: z.string().describe('Checksum of the file, hexadecimal.'),
  tick: z.iso.datetime().describe('The scheduled time that this archive is for.'),
  term: z.int().describe('The term of the leader that made it.'),
});

export const Backup = defineResource({
  group: 'backup.incumbent.dev',
  version: 'v1',
  kind: 'Backup',
  spec: z.object({
    schedule: z
      .string()
      .min(1)
      .describe('When to back up: a cron expression in UTC, a nickname such as @daily, or @every 10m.'),
    source: z.object({
      sqlite: z.object({
        path: z.string().min(1).describe('The database file. Must lie under a source root of the operator.'),
      }),
    }),
    destination: z.object({
      directory: z
        .string()
        .min(1)
        .describe('Where archives go. Must lie under a destination root of the operator.'),
    }),
    keep: z.int().min(1).max(1000).default(7).describe('How many archives to keep; the newest stay.'),
    suspend: z.boolean().default(false).describe('No backups while this is true. Later one run catches up.'),
    deletionPolicy: z
      .enum(['Retain', 'Delete'])
      .default('Retain')
      .describe('What happens to the archives when the Backup is deleted.'),
  }),
  status: z.object({
    observedGeneration: z.int().optional(),
    conditions: z
      .array(Condition)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
    lastTick: z.iso
      .datetime()
      .optional()
      .describe('The last scheduled time that was backed up. A run counts only once it stands here.'),
    lastArchive: Archive.optional(),
    nextRun: z.iso.datetime().optional(),
    succeeded: z.int().min(0).optional().describe('Runs recorded so far.'),
    coalesced: z.int().min(0).optional().describe('Missed ticks that a later run stood for.'),
  }),
  columns: [
    { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
    { name: 'Last Backup', type: 'date', jsonPath: '.status.lastTick' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Next Run', type: 'string', jsonPath: '.status.nextRun', priority: 1 },
    { name: 'Archive', type: 'string', jsonPath: '.status.lastArchive.path', priority: 1 },
  ],
});

export type Backup = ResourceOf<typeof Backup>;

/** As it comes out of the cache, which shares it. */
export type ReadonlyBackup = DeepReadonly<Backup>;
export type BackupStatus = NonNullable<ReadonlyBackup['status']>;
