/** Keeps a Deployment of memcached servers as large as each Memcached says. Nothing is fetched again: what was written is read from the cache. */
import {
  Controller,
  dependent,
  Dependents,
  Deployment,
  patchStatus,
  type ReconcileContext,
  type Reconciler,
  setCondition,
} from '@incumbent/core';
import { Memcached, type ReadonlyMemcached } from './memcached.js';

const IMAGE = 'memcached:1.6.26-alpine3.19';

const deployment = dependent(Deployment, {
  of: Memcached,
  desired: (memcached) => ({ metadata: { labels: labelsOf(memcached) }, spec: deploymentSpec(memcached) }),
  ready: ({ spec, status }) => (status?.availableReplicas ?? 0) >= (spec?.replicas ?? 1),
});
const dependents = new Dependents(deployment);

@Controller({ for: Memcached, owns: dependents.kinds })
export class MemcachedController implements Reconciler<Memcached> {
  async reconcile(memcached: ReadonlyMemcached, context: ReconcileContext): Promise<void> {
    const { ready, condition } = await dependents.reconcile(memcached, context);
    const available = {
      ...condition,
      type: 'Available',
      reason: ready ? 'Serving' : 'Scaling',
      message: ready
        ? `${memcached.spec.size} servers are available.`
        : `Not all of ${memcached.spec.size} servers are available yet.`,
    };
    await patchStatus(context.client, Memcached, memcached, (draft) => {
      draft.status = {
        conditions: setCondition(memcached.status?.conditions, available, context.clock.wall()),
      };
    });
  }
}

function labelsOf({ metadata }: ReadonlyMemcached) {
  return {
    'app.kubernetes.io/name': 'memcached',
    'app.kubernetes.io/instance': metadata.name,
    'app.kubernetes.io/managed-by': 'MemcachedController',
  };
}

function deploymentSpec(memcached: ReadonlyMemcached): NonNullable<Deployment['spec']> {
  const labels = labelsOf(memcached);
  const { size, containerPort } = memcached.spec;
  return {
    replicas: size,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'memcached',
            image: IMAGE,
            imagePullPolicy: 'IfNotPresent',
            ports: [{ containerPort, name: 'memcached' }],
            command: ['memcached', '--memory-limit=64', `--port=${containerPort}`, '-o', 'modern', '-v'],
            securityContext: {
              runAsUser: 1001,
              runAsNonRoot: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    },
  };
}
