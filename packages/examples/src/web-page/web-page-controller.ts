/** Serves each WebPage by four dependents, one of which depends on what the page asks for. */
import { createHash } from 'node:crypto';
import {
  ConfigMap,
  Controller,
  dependent,
  Dependents,
  Deployment,
  Ingress,
  patchStatus,
  type ReconcileContext,
  type Reconciler,
  Service,
  setCondition,
  TerminalError,
} from '@incumbent/core';
import { type ReadonlyWebPage, WebPage } from './web-page.js';

const of = WebPage;

const content = dependent(ConfigMap, { of, desired: ({ spec }) => ({ data: { 'index.html': spec.html } }) });
const deployment = dependent(Deployment, {
  of,
  after: [content],
  desired: (page) => ({ spec: deploymentSpec(page) }),
  ready: ({ spec, status }) => (status?.availableReplicas ?? 0) >= (spec?.replicas ?? 1),
});
const service = dependent(Service, {
  of,
  desired: ({ metadata: { name } }) => ({
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }] },
  }),
});
const ingress = dependent(Ingress, {
  of,
  after: [deployment, service],
  desired: ({ spec, metadata }) => (spec.exposed ? { spec: ingressSpec(metadata.name) } : undefined),
});
const dependents = new Dependents(content, deployment, service, ingress);

@Controller({ for: WebPage, owns: dependents.kinds })
export class WebPageController implements Reconciler<WebPage> {
  async reconcile(page: ReadonlyWebPage, context: ReconcileContext): Promise<void> {
    if (!page.spec.html.includes('<')) {
      await this.#report(page, context, notHtml(page));
      throw new TerminalError('spec.html has no tag: it is no HTML. Nothing is tried before it changes.');
    }
    const { condition } = await dependents.reconcile(page, context);
    await this.#report(page, context, condition);
  }

  async #report(
    page: ReadonlyWebPage,
    { client, clock }: ReconcileContext,
    condition: Parameters<typeof setCondition>[1],
  ): Promise<void> {
    await patchStatus(client, WebPage, page, (draft) => {
      const conditions = setCondition(page.status?.conditions, condition, clock.wall());
      const { name, namespace } = page.metadata;
      draft.status = { url: page.spec.exposed ? `/${name}` : `http://${name}.${namespace}`, conditions };
    });
  }
}

function notHtml({ metadata: { generation } }: ReadonlyWebPage) {
  const message = 'spec.html has no tag.';
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return { type: 'Ready', status: 'False', reason: 'NoHtml', message, ...observed } as const;
}

/** A new page is a new hash, and so a new Pod: nginx would go on serving the old file for up to a minute. */
function deploymentSpec({ spec, metadata: { name } }: ReadonlyWebPage): NonNullable<Deployment['spec']> {
  const labels = { app: name };
  const hash = createHash('sha256').update(spec.html).digest('hex').slice(0, 16);
  return {
    replicas: 1,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels, annotations: { 'web.incumbent.dev/html-hash': hash } },
      spec: {
        containers: [
          {
            name: 'nginx',
            image: 'nginx:1.29-alpine',
            ports: [{ containerPort: 80 }],
            volumeMounts: [{ name: 'html', mountPath: '/usr/share/nginx/html' }],
          },
        ],
        volumes: [{ name: 'html', configMap: { name } }],
      },
    },
  };
}

function ingressSpec(name: string): NonNullable<Ingress['spec']> {
  const backend = { service: { name, port: { number: 80 } } };
  return { rules: [{ http: { paths: [{ path: `/${name}`, pathType: 'Prefix', backend }] } }] };
}
