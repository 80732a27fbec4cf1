import type { KubeConfig } from '@kubernetes/client-node';
import { IncumbentError, messageOf } from '../kit/error.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { KubeConfigCredentials } from './credentials.js';

export interface ConnectOptions extends Pick<ConnectionOptions, 'userAgent' | 'maxSockets' | 'clock'> {
  /** Path of a kubeconfig file. @defaultValue as kubectl: `$KUBECONFIG`, `~/.kube/config`, then the pod's service account */
  readonly kubeconfig?: string | undefined;
  /** @defaultValue the kubeconfig's current context */
  readonly context?: string | undefined;
  /** @defaultValue the context's namespace, the pod's, or `'default'` */
  readonly namespace?: string | undefined;
}

/**
 * Opens the way to an API server. Nothing is sent yet.
 *
 * @throws {@link IncumbentError} `CONNECTION_CONFIG` when there is no kubeconfig, it can't be read, or it lacks the context
 */
export async function connect({
  kubeconfig,
  context,
  namespace,
  ...options
}: ConnectOptions = {}): Promise<Connection> {
  // Costs 300 ms and 90 MB: loaded when somebody connects, not when somebody imports.
  const clientNode = await import('@kubernetes/client-node');
  const config = load(new clientNode.KubeConfig(), kubeconfig, context);
  const cluster = config.getCurrentCluster();
  if (!cluster || (cluster.name === 'cluster' && cluster.server === 'http://localhost:8080')) {
    throw new IncumbentError(
      'CONNECTION_CONFIG',
      'No cluster to connect to: set KUBECONFIG, give a kubeconfig, or run inside a pod.',
    );
  }
  return new Connection({
    server: cluster.server,
    credentials: new KubeConfigCredentials(config),
    namespace: namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    proxy: cluster.proxyUrl,
    ...options,
  });
}

function load(config: KubeConfig, file: string | undefined, context: string | undefined): KubeConfig {
  try {
    if (file) config.loadFromFile(file);
    else config.loadFromDefault();
  } catch (error) {
    throw new IncumbentError(
      'CONNECTION_CONFIG',
      `The kubeconfig ${file ?? ''} can't be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (context) config.setCurrentContext(context);
  if (context && !config.getContextObject(context)) {
    throw new IncumbentError(
      'CONNECTION_CONFIG',
      `The kubeconfig has no context "${context}": it has ${config
        .getContexts()
        .map((c) => c.name)
        .join(', ')}.`,
    );
  }
  allowPlainHttp(config);
  return config;
}

/** client-node refuses http: unless TLS verification is off, which says nothing there. `kubectl proxy` is such a server. */
function allowPlainHttp(config: KubeConfig): void {
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
}
