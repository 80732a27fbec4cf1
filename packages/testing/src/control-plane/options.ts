/** What a test may ask of a control plane. */

export interface ControlPlaneOptions {
  /**
   * The folder of the binaries.
   *
   * @defaultValue `KUBEBUILDER_ASSETS`, else the newest that `tools/control-plane/build.mjs` built
   */
  readonly assets?: string;
  /** Switched on or off by name, such as `{ CoordinatedLeaderElection: true }`. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** APIs that are served or not, such as `{ 'coordination.k8s.io/v1beta1': true }`. */
  readonly runtimeConfig?: Readonly<Record<string, boolean>>;
  /**
   * Whether watches and lists may be served from the API server's memory. Without it they go to etcd, and a watch from before a
   * compaction fails at once.
   *
   * @defaultValue true
   */
  readonly watchCache?: boolean;
  /**
   * How often, in seconds, the API server drops etcd's history; 0: only when {@link ControlPlane.compact} is called.
   *
   * @defaultValue 0
   */
  readonly compactionSeconds?: number;
  /**
   * Runs kube-controller-manager too, so that owners' dependents are collected, namespaces empty themselves, Jobs make Pods and every
   * namespace has its default service account.
   *
   * @defaultValue false: objects stay as they are written
   */
  readonly controllerManager?: boolean;
  /** Flags for kube-apiserver; they win over the launcher's own. */
  readonly apiServerFlags?: readonly string[];
  /** Flags for etcd; they win over the launcher's own. */
  readonly etcdFlags?: readonly string[];
  /**
   * How long the servers may take to be ready, in milliseconds.
   *
   * @defaultValue 60 s: ready after about 3 s on an idle machine, and machines that run tests are not idle
   */
  readonly startTimeout?: number;
}

export interface ResolvedOptions {
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly runtimeConfig: Readonly<Record<string, boolean>>;
  readonly watchCache: boolean;
  readonly compactionSeconds: number;
  readonly controllerManager: boolean;
  readonly apiServerFlags: readonly string[];
  readonly etcdFlags: readonly string[];
  readonly startTimeout: number;
}

export function resolveOptions(options: ControlPlaneOptions): ResolvedOptions {
  return Object.freeze({
    featureGates: options.featureGates ?? {},
    runtimeConfig: options.runtimeConfig ?? {},
    watchCache: options.watchCache ?? true,
    compactionSeconds: options.compactionSeconds ?? 0,
    controllerManager: options.controllerManager ?? false,
    apiServerFlags: options.apiServerFlags ?? [],
    etcdFlags: options.etcdFlags ?? [],
    startTimeout: options.startTimeout ?? 60_000,
  });
}
