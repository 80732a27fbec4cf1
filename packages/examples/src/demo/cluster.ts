/** The cluster that the demo plays on: an embedded API server, or one that somebody gave. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Connection, connect } from '@incumbent/core';
import { EmbeddedApiServer } from '@incumbent/testing';
import { parse } from 'yaml';
import type { LeaseWrite } from './lease-write.js';

export interface DemoCluster {
  readonly connection: Connection;
  /** Path of a kubeconfig with an administrator's rights. */
  readonly kubeconfig: string;
  /** Tells of each write of the election's Lease at the moment of its commit; undefined where only a watch can tell. */
  readonly onLeaseWrite: ((listener: (write: LeaseWrite) => void) => void) | undefined;
  end(): Promise<void>;
}

export async function embeddedCluster(
  directory: string,
  lease: { readonly namespace: string; readonly name: string },
): Promise<DemoCluster> {
  const server = await EmbeddedApiServer.start({ rbac: true });
  const kubeconfig = join(directory, 'kubeconfig');
  await server.writeKubeconfig(kubeconfig);
  const connection = await connect({ kubeconfig });
  return {
    connection,
    kubeconfig,
    onLeaseWrite: (listener) =>
      server.onWrite(({ verb, resource, namespace, name, object, at }) => {
        if (
          resource !== 'leases' ||
          namespace !== lease.namespace ||
          name !== lease.name ||
          verb === 'delete' ||
          !object
        )
          return;
        const { spec } = object as { spec?: { holderIdentity?: string; leaseTransitions?: number } };
        listener({ at, holder: spec?.holderIdentity ?? '', term: spec?.leaseTransitions ?? 0 });
      }),
    async end() {
      await connection.close();
      await server.stop();
    },
  };
}

export async function givenCluster(kubeconfig: string): Promise<DemoCluster> {
  const connection = await connect({ kubeconfig });
  return {
    connection,
    kubeconfig: resolve(kubeconfig),
    onLeaseWrite: undefined,
    end: () => connection.close(),
  };
}

/** As a pod gets one: for an hour, with the rights of the ServiceAccount. */
export async function serviceAccountToken(
  connection: Connection,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<string> {
  const response = await connection.send({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    }),
    timeout: 10_000,
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`No token for ServiceAccount ${namespace}/${name}: ${text}`);
  return (JSON.parse(text) as { status: { token: string } }).status.token;
}

interface KubeconfigCluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: KubeconfigCluster }[];
}

/** Writes a kubeconfig for the cluster of another one, with a token instead of its credentials. */
export async function writeTokenKubeconfig(
  target: string,
  base: string,
  token: string,
  namespace: string,
): Promise<void> {
  const config = parse(await readFile(base, 'utf8')) as Kubeconfig;
  const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster ?? {};
  const authority = cluster['certificate-authority'];
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'cluster',
        cluster: {
          ...cluster,
          ...(authority ? { 'certificate-authority': resolve(dirname(base), authority) } : {}),
        },
      },
    ],
    users: [{ name: 'replica', user: { token } }],
    contexts: [{ name: 'replica', context: { cluster: 'cluster', user: 'replica', namespace } }],
    'current-context': 'replica',
  });
  await writeFile(target, text, { mode: 0o600 });
}
