import type {
  Clock,
  CustomResource,
  Duration,
  KubernetesObject,
  OperatorOptions,
  Writer,
} from '@incumbent/core';

/** What a step of a scenario, and the world around the operator, work with: a client that nothing holds back, and the time. */
export interface Stage {
  readonly client: Writer;
  readonly namespace: string;
  readonly clock: Clock;
  /** Lets so much time pass, in which the operator does what falls due. */
  readonly pass: (time: Duration) => Promise<void>;
}

export interface Scenario extends Pick<OperatorOptions, 'modules' | 'runnables'> {
  /** Resources that the controllers define: installed before each run. */
  readonly resources?: readonly CustomResource[];
  /** What people do, one after the other, each once the operator has settled after the one before. */
  readonly steps: readonly ((stage: Stage) => Promise<unknown>)[];
  /**
   * What the rest of the cluster does, over and over while the operator settles: marks Deployments ready, runs Jobs. Must do nothing when
   * there is nothing to do. @defaultValue nothing
   */
  readonly world?: (stage: Stage) => Promise<unknown>;
  /** How many more reconciles than without a fault a run may take. @defaultValue 5 */
  readonly extraReconciles?: number;
  /**
   * Takes from an object what may differ from run to run, beyond what always may: versions, uids, times, generated names, generations.
   *
   * @defaultValue takes nothing
   */
  readonly ignore?: (object: KubernetesObject & Record<string, unknown>) => unknown;
  /** Milliseconds without a write after which the operator counts as settled, on the virtual clock. @defaultValue 60,000 */
  readonly calm?: number;
}
