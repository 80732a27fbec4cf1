import { defineResource, type ResourceOf } from '@incumbent/core';
import { z } from 'zod';

/** A web site under a domain, served with the certificate in a Secret. */
export const Site = defineResource({
  group: 'example.incumbent.dev',
  version: 'v1',
  kind: 'Site',
  spec: z.object({ domain: z.string(), certificate: z.string() }),
});
export type Site = ResourceOf<typeof Site>;

/** Knows whose a domain is. Somewhere outside the cluster. */
export abstract class Registrar {
  abstract ownerOf(domain: string, signal: AbortSignal): Promise<string>;
  /** Domains that changed hands since the last time. */
  abstract changedDomains(signal: AbortSignal): Promise<readonly string[]>;
}
