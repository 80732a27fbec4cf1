import {
  Deployment,
  type DeepReadonly,
  keyOf,
  type KubernetesObject,
  PersistentVolumeClaim,
} from '@incumbent/core';
import type { Stage } from '@incumbent/testing/replay';

/** What a cluster does with Deployments: after a while as many Pods run as were asked for. */
export async function runPods({ client, namespace }: Pick<Stage, 'client' | 'namespace'>): Promise<void> {
  for (const deployment of (await client.list(Deployment, { namespace })).items) {
    const replicas = deployment.spec?.replicas ?? 0;
    if (deployment.status?.availableReplicas === replicas) continue;
    const patch = { status: { replicas, readyReplicas: replicas, availableReplicas: replicas } };
    const key = keyOf(deployment as DeepReadonly<KubernetesObject>);
    await client.patch(Deployment, key, { type: 'merge', patch }, { subresource: 'status' });
  }
}

/** What a cluster does with claims of volumes: each gets one as large as it asks for, and a larger one when it asks for more. */
export async function bindVolumes({ client, namespace }: Pick<Stage, 'client' | 'namespace'>): Promise<void> {
  for (const claim of (await client.list(PersistentVolumeClaim, { namespace })).items) {
    const capacity = { storage: claim.spec?.resources?.requests?.['storage'] };
    if (claim.status?.capacity?.['storage'] === capacity.storage) continue;
    const patch = { status: { phase: 'Bound', capacity } };
    const key = keyOf(claim as DeepReadonly<KubernetesObject>);
    await client.patch(PersistentVolumeClaim, key, { type: 'merge', patch }, { subresource: 'status' });
  }
}
