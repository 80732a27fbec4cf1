import { Deployment, type DeepReadonly, keyOf, type KubernetesObject } from '@incumbent/core';
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
