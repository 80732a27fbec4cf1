import { type DeepReadonly, defineResource, type ResourceOf } from '@incumbent/core';
import { z } from 'zod';
import { Condition } from '../condition.js';

/** A page of HTML that is served in the cluster, and outside of it where that is asked for. */
export const WebPage = defineResource({
  group: 'web.incumbent.dev',
  version: 'v1',
  kind: 'WebPage',
  spec: z.object({
    html: z.string().min(1),
    exposed: z.boolean().default(false).describe('whether an Ingress makes it reachable from outside'),
  }),
  status: z.object({ url: z.string().optional(), conditions: z.array(Condition).optional() }),
  columns: [
    { name: 'URL', type: 'string', jsonPath: '.status.url' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  ],
});
export type WebPage = ResourceOf<typeof WebPage>;
export type ReadonlyWebPage = DeepReadonly<WebPage>;
