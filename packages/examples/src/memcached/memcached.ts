import { type DeepReadonly, defineResource, type ResourceOf } from '@incumbent/core';
import { z } from 'zod';
import { Condition } from '../condition.js';

/** Some memcached servers behind one name. */
export const Memcached = defineResource({
  group: 'cache.incumbent.dev',
  version: 'v1alpha1',
  kind: 'Memcached',
  plural: 'memcacheds',
  spec: z.object({
    size: z.int().min(1).max(3).default(1).describe('how many servers'),
    containerPort: z.int().min(1).max(65_535).default(11_211),
  }),
  status: z.object({ conditions: z.array(Condition).optional() }),
  columns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Available', type: 'string', jsonPath: '.status.conditions[?(@.type=="Available")].status' },
  ],
});
export type Memcached = ResourceOf<typeof Memcached>;
export type ReadonlyMemcached = DeepReadonly<Memcached>;
