import {
  ConfigMap,
  Controller,
  PushSource,
  type ReconcileContext,
  type Reconciler,
  Secret,
  type Source,
  changed,
  controllerReference,
  inject,
  keyOf,
  poll,
  watch,
} from '@incumbent/core';
import { Registrar, Site } from './site.js';

const certificates = watch(
  Secret,
  (secret, cache) =>
    cache
      .list(Site, { namespace: secret.metadata.namespace })
      .filter(({ spec }) => spec.certificate === secret.metadata.name)
      .map(keyOf),
  { predicate: changed<Secret>(({ data }) => data) },
);

@Controller({ for: Site, owns: [ConfigMap], watches: [certificates] })
export class SiteController implements Reconciler<Site> {
  constructor(
    @inject(Registrar) private readonly registrar: Registrar,
    @inject(PushSource) private readonly transfers: PushSource,
  ) {}

  sources(): Source[] {
    const registrar = poll('registrar', {
      every: '5m',
      look: async (signal, { cache }) => {
        const domains = await this.registrar.changedDomains(signal);
        return cache
          .list(Site)
          .filter(({ spec }) => domains.includes(spec.domain))
          .map(keyOf);
      },
    });
    return [registrar, this.transfers];
  }

  async reconcile(site: Site, { client, cache, key, signal, causes, log }: ReconcileContext): Promise<void> {
    log.debug({ causes }, 'serving');
    const { domain, certificate } = site.spec;
    const secret = cache.get(Secret, { ...key, name: certificate });
    const owner = await this.registrar.ownerOf(domain, signal);
    const data = { domain, owner, certificate: secret?.data?.['tls.crt'] ?? '' };
    const metadata = { ...key, ownerReferences: [controllerReference(Site, site, key)] };
    await client.apply(ConfigMap, { metadata, data }, { fieldManager: 'sites' });
  }
}
