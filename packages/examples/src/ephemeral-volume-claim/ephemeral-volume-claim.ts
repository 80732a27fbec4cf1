import { type DeepReadonly, defineResource, type ResourceOf } from '@incumbent/core';
import { z } from 'zod';
import { Condition } from '../condition.js';

/** A volume to work on for a while: a PersistentVolumeClaim that goes with it. */
export const EphemeralVolumeClaim = defineResource({
  group: 'storage.incumbent.dev',
  version: 'v1',
  kind: 'EphemeralVolumeClaim',
  spec: z.object({
    size: z.string().describe('such as 10Gi; can grow where the storage class lets it'),
    lifetimeSeconds: z.int().min(1).optional().describe('after this it is deleted; without, it stays'),
  }),
  status: z.object({
    capacity: z.string().optional().describe('what the volume really has'),
    conditions: z.array(Condition).optional(),
  }),
  columns: [
    { name: 'Capacity', type: 'string', jsonPath: '.status.capacity' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  ],
});
export type EphemeralVolumeClaim = ResourceOf<typeof EphemeralVolumeClaim>;
export type ReadonlyEphemeralVolumeClaim = DeepReadonly<EphemeralVolumeClaim>;
