/** The flags that the servers are started with; files by their names in the servers' folder, which is where they run. */
import type { ResolvedOptions } from './options.js';

export const files = {
  ca: 'ca.crt',
  server: { certificate: 'server.crt', key: 'server.key' },
  etcdClient: { certificate: 'etcd-client.crt', key: 'etcd-client.key' },
  tokenKeys: { signing: 'service-account.key', verifying: 'service-account.pub' },
  tokens: 'tokens.csv',
  controllerManager: 'controller-manager.kubeconfig',
} as const;

/** Data is thrown away with the test, so nothing waits for the disk. */
export function etcdFlags({ etcdFlags: more }: ResolvedOptions, port: number): string[] {
  return [
    '--data-dir=etcd',
    // Not port 0: etcd's JSON gateway would dial just that.
    `--listen-client-urls=https://127.0.0.1:${port}`,
    `--advertise-client-urls=https://127.0.0.1:${port}`,
    '--listen-peer-urls=http://127.0.0.1:0',
    `--cert-file=${files.server.certificate}`,
    `--key-file=${files.server.key}`,
    `--trusted-ca-file=${files.ca}`,
    '--client-cert-auth=true',
    '--unsafe-no-fsync=true',
    '--heartbeat-interval=20',
    '--election-timeout=200',
    '--quota-backend-bytes=8589934592',
    ...more,
  ];
}

export function apiServerFlags(options: ResolvedOptions, etcdUrl: string, port: number): string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    `--etcd-cafile=${files.ca}`,
    `--etcd-certfile=${files.etcdClient.certificate}`,
    `--etcd-keyfile=${files.etcdClient.key}`,
    `--etcd-compaction-interval=${options.compactionSeconds}s`,
    `--watch-cache=${options.watchCache}`,
    '--bind-address=127.0.0.1',
    // Not guessed from the machine's network, which may be absent.
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${files.server.certificate}`,
    `--tls-private-key-file=${files.server.key}`,
    ...accessFlags,
    ...servingFlags,
    ...mapFlag('--feature-gates', options.featureGates),
    ...mapFlag('--runtime-config', options.runtimeConfig),
    // Without controllers no namespace gets its default service account, and no Pod could be created.
    ...(options.controllerManager ? [] : ['--disable-admission-plugins=ServiceAccount']),
    ...options.apiServerFlags,
  ];
}

const accessFlags = [
  '--authorization-mode=RBAC',
  `--client-ca-file=${files.ca}`,
  `--token-auth-file=${files.tokens}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-signing-key-file=${files.tokenKeys.signing}`,
  `--service-account-key-file=${files.tokenKeys.verifying}`,
];

const servingFlags = [
  '--cert-dir=.',
  // It would publish a loopback address as an endpoint, which is refused.
  '--endpoint-reconciler-type=none',
  '--service-cluster-ip-range=10.0.0.0/24',
  '--allow-privileged=true',
  '--profiling=false',
];

export function controllerManagerFlags(): string[] {
  return [
    `--kubeconfig=${files.controllerManager}`,
    `--authentication-kubeconfig=${files.controllerManager}`,
    `--authorization-kubeconfig=${files.controllerManager}`,
    `--root-ca-file=${files.ca}`,
    `--service-account-private-key-file=${files.tokenKeys.signing}`,
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    // It need not be asked anything, and a port could be taken.
    '--secure-port=0',
    '--concurrent-gc-syncs=5',
  ];
}

function mapFlag(flag: string, values: Readonly<Record<string, boolean>>): string[] {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return pairs.length > 0 ? [`${flag}=${pairs.join(',')}`] : [];
}
