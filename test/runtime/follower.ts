/** What is under test, all that a user builds on the watch: an informer with a handler and a work queue, and an operator with a controller. */
import {
  alone,
  Client,
  type Clock,
  ConfigMap,
  type Connection,
  connect,
  Controller,
  formatKey,
  InformerCache,
  type Lister,
  type ObjectMeta,
  Operator,
  type Random,
  type ReconcileContext,
  type Reconciler,
  type ReconcileResult,
  silentLogger,
  WorkQueue,
} from '@incumbent/core';
import type { Told } from './judge.js';
import { type Evidence } from './judge.js';
import { versionOf } from './objects.js';

const WORKERS = 4;
/** Share of the looks at an object that fail, and must be repeated. */
const FAILURES = 0.02;

export interface FollowerOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
}

export class Follower {
  readonly told: Told[] = [];
  readonly #random: Random;
  readonly #connection: Connection;
  readonly #lister: Lister<ConfigMap>;
  readonly #queue: WorkQueue;
  readonly #operator: Operator;
  readonly #ending = new AbortController();
  readonly #atWork = new Set<string>();
  readonly #processed = new Map<string, string | undefined>();
  readonly #reconciled = new Map<string, string | undefined>();
  readonly #faults: string[] = [];
  #running: Promise<unknown> = Promise.resolve();

  private constructor({ namespace, clock, random }: FollowerOptions, connection: Connection) {
    this.#random = random;
    this.#connection = connection;
    const cache = new InformerCache({ reader: new Client(connection), clock, random });
    const informer = cache.informerFor(ConfigMap, { namespace });
    this.#lister = informer.lister;
    this.#queue = new WorkQueue({ name: 'keys', clock });
    informer.addHandler({
      added: (object) => this.#hear('added', object.metadata),
      updated: (_, after) => this.#hear('updated', after.metadata),
      deleted: (object) => this.#hear('deleted', object.metadata),
    });
    this.#operator = this.#operatorOf({ namespace, clock, random });
    const { signal } = this.#ending;
    this.#running = Promise.all([
      cache.run(signal),
      this.#operator.run({ signal }),
      ...Array.from({ length: WORKERS }, () => this.#work()),
    ]);
  }

  static async start(options: FollowerOptions): Promise<Follower> {
    const { kubeconfig, clock } = options;
    return new Follower(options, await connect({ kubeconfig, clock, userAgent: 'follower' }));
  }

  get evidence(): Omit<Evidence, 'server'> & { readonly faults: readonly string[] } {
    const known = this.#lister
      .list()
      .map(({ metadata }) => [formatKey(metadata), versionOf(metadata)] as const);
    const reconciled = [...this.#reconciled].filter(([key]) => this.#lister.get(key) !== undefined);
    return {
      lister: new Map(known),
      told: this.told,
      // A controller is not called for what is gone.
      looks: { 'the queue': this.#processed, 'the controller': new Map(reconciled) },
      faults: this.#faults,
    };
  }

  /** Rejects with what made any part of it end early. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#connection.close();
  }

  #hear(
    type: Told['type'],
    metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>,
  ): void {
    const key = formatKey(metadata);
    this.told.push({ type, key, ...versionOf(metadata) });
    this.#queue.add(key);
  }

  async #work(): Promise<void> {
    for (;;) {
      const key = await this.#queue.get(this.#ending.signal);
      if (key === undefined) return;
      if (this.#atWork.has(key)) this.#faults.push(`${key} was handed out twice at a time.`);
      this.#atWork.add(key);
      const version = this.#lister.get(key)?.metadata.resourceVersion;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#fails()) this.#queue.addRateLimited(key);
      else {
        this.#queue.forget(key);
        this.#processed.set(key, version);
      }
      this.#atWork.delete(key);
      this.#queue.done(key);
    }
  }

  #fails(): boolean {
    return this.#random.next() < FAILURES;
  }

  #operatorOf({ namespace, clock, random }: Omit<FollowerOptions, 'kubeconfig'>): Operator {
    const [reconciled, fails] = [this.#reconciled, (): boolean => this.#fails()];
    @Controller({ for: ConfigMap, concurrency: WORKERS })
    class Notes implements Reconciler<ConfigMap> {
      async reconcile(object: ConfigMap, { key }: ReconcileContext): Promise<ReconcileResult> {
        await new Promise((resolve) => setImmediate(resolve));
        if (fails()) throw new Error('a failure of the test');
        reconciled.set(formatKey(key), object.metadata.resourceVersion);
      }
    }
    return new Operator({
      controllers: [Notes],
      leadership: alone(),
      connection: this.#connection,
      namespaces: [namespace],
      log: silentLogger,
      http: false,
      eventLoopWarning: false,
      clock,
      random,
    });
  }
}
