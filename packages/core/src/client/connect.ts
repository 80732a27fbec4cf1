/** From the place where we run to a {@link Connection}: the one file here that reads the environment, and that when it is called. */
import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../kit/clock.js';
import { IncumbentError } from '../kit/error.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { UserCredentials } from './credentials.js';
import { Kubeconfig, type Target } from './kubeconfig.js';
import { checkedProxy, proxyFromEnvironment } from './proxy.js';

export interface ConnectOptions extends Pick<
  ConnectionOptions,
  'userAgent' | 'maxSockets' | 'rateLimit' | 'clock' | 'random'
> {
  /** Path of a kubeconfig file. @defaultValue as kubectl: `$KUBECONFIG`, `~/.kube/config`, then the pod's service account */
  readonly kubeconfig?: string | undefined;
  /** @defaultValue the kubeconfig's current context */
  readonly context?: string | undefined;
  /** @defaultValue the context's namespace, the pod's, or `'default'` */
  readonly namespace?: string | undefined;
}

/** Where the environment lies, for tests. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  /** Where the kubelet mounts the token. */
  readonly serviceAccount: string;
}

/**
 * Opens the way to an API server. Nothing is sent yet.
 *
 * A proxy is the kubeconfig's `proxy-url`, or what `HTTPS_PROXY` and `NO_PROXY` say, as for kubectl.
 *
 * @throws {@link IncumbentError} `CONNECTION_CONFIG` when there is no kubeconfig, it can't be read, or it lacks the context
 */
export function connect(options: ConnectOptions = {}): Promise<Connection> {
  return connectFrom(
    {
      env: process.env,
      home: os.homedir(),
      serviceAccount: '/var/run/secrets/kubernetes.io/serviceaccount',
    },
    options,
  );
}

export async function connectFrom(
  surroundings: Surroundings,
  { kubeconfig, context, namespace, ...options }: ConnectOptions = {},
): Promise<Connection> {
  const { env } = surroundings;
  const files = kubeconfigFiles(surroundings, kubeconfig);
  const target = files ? await fromFiles(files, context) : inPod(surroundings);
  const { cluster, user } = target;
  const server = serverOf(cluster.server);
  const credentials = new UserCredentials({
    ...target,
    env,
    clock: options.clock ?? systemClock,
    authProvider: user['auth-provider'] && files ? await authProvider(files, context) : undefined,
  });
  return new Connection({
    server,
    credentials,
    namespace: namespace ?? target.namespace ?? 'default',
    proxy: checkedProxy(cluster['proxy-url'] ?? proxyFromEnvironment(server, env)),
    ...options,
  });
}

/** `undefined`: there are none, and we look for a pod's service account. */
function kubeconfigFiles({ env, home }: Surroundings, given: string | undefined): string[] | undefined {
  if (given) return [given];
  const listed = env['KUBECONFIG']?.split(path.delimiter).filter(Boolean);
  if (listed?.length) return listed;
  const usual = path.join(home, '.kube', 'config');
  return existsSync(usual) ? [usual] : undefined;
}

async function fromFiles(files: readonly string[], context: string | undefined): Promise<Target> {
  // Costs 300 ms and 90 MB: for its YAML, and not in a pod.
  const { loadYaml } = await import('@kubernetes/client-node');
  return Kubeconfig.read(files, loadYaml).target(context);
}

function inPod({ env, serviceAccount }: Surroundings): Target {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  const tokenFile = path.join(serviceAccount, 'token');
  if (!host || !existsSync(tokenFile)) {
    throw new IncumbentError(
      'CONNECTION_CONFIG',
      'No cluster to connect to: set KUBECONFIG, give a kubeconfig, or run inside a pod.',
    );
  }
  const namespaceFile = path.join(serviceAccount, 'namespace');
  return {
    cluster: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      'certificate-authority': path.join(serviceAccount, 'ca.crt'),
    },
    user: { tokenFile },
    userName: "the pod's service account",
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
  };
}

function serverOf(server: string): URL {
  const address = server.includes('://') ? server : `http://${server}`;
  if (URL.canParse(address) && /^https?:/.test(address)) return new URL(address);
  throw new IncumbentError(
    'CONNECTION_CONFIG',
    `The server "${server}" of the kubeconfig is no address: write it as https://host:port.`,
  );
}

/** OpenID Connect and what came before exec plugins: client-node knows how. */
async function authProvider(
  files: readonly string[],
  context: string | undefined,
): Promise<() => Promise<Record<string, string>>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const [config, ...others] = files
    .filter((file) => existsSync(file))
    .map((file) => {
      const each = new KubeConfig();
      each.loadFromFile(file);
      return each;
    });
  for (const other of others) config?.mergeConfig(other, true);
  if (context) config?.setCurrentContext(context);
  return async () => {
    const options: { headers?: Record<string, string> } = {};
    await config?.applyToHTTPSOptions(options);
    return lowerCased(options.headers ?? {});
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
