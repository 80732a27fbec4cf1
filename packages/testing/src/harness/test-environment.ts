/** An environment for tests of operators: an API server, namespaces, users, faults, and whatever runs there; all gone at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { EmbeddedApiServer } from '../api-server/server.js';
import {
  type Access,
  formatKubeconfig,
  type KubeconfigOptions,
  writePrivately,
} from '../control-plane/access.js';
import type { ControlPlane } from '../control-plane/control-plane.js';
import { TestServerError } from '../control-plane/error.js';
import { type ServiceAccountOptions, serviceAccountToken } from '../control-plane/service-account.js';
import { FaultProxy, type FaultProxyOptions } from '../fault-proxy/fault-proxy.js';
import type { ApiObject } from './api.js';
import { Cleanups } from './cleanups.js';
import { type Definition, install } from './definitions.js';
import { eventsOf, type TestEvent } from './events.js';
import { eventually, type EventuallyOptions } from './eventually.js';
import { createNamespace, type NamespaceOptions, removeNamespace } from './namespaces.js';
import { grant, type Grant, type PolicyRule } from './rights.js';
import { type Run, Running } from './running.js';
import {
  type NewUser,
  type ServerKind,
  type ServerOptions,
  startServer,
  type TestServer,
} from './servers.js';

export interface TestEnvironmentOptions extends ServerOptions {
  /**
   * Milliseconds that {@link TestEnvironment.eventually} waits unless told otherwise.
   *
   * @defaultValue 4000; 15,000 on the real server, where tests need a timeout of their own above Jest's 5 s
   */
  readonly timeout?: number;
}

export interface Rights {
  /** What it may do. @defaultValue nothing: RBAC is on, on both servers */
  readonly rules?: readonly PolicyRule[];
}

export interface TestUserOptions extends NewUser, Rights {
  /** Where the rules hold. @defaultValue everywhere */
  readonly namespace?: string;
}

export interface FaultsOptions extends Pick<FaultProxyOptions, 'level'> {
  /** As whom one logs in through the proxy. @defaultValue the administrator */
  readonly user?: string;
}

const ADMIN = 'admin';
const PATIENCE: Record<ServerKind, number> = { embedded: 4000, real: 15_000 };

/**
 * *Guarantees*: tests written against it run on both servers, which differ in nothing but what their own pages say. What it started or
 * made is gone after `stop()`, newest first.
 *
 * *Caveats*: namespaces keep tests apart that look at namespaces only. What is cluster-wide (definitions, cluster-scoped objects) is
 * shared by all tests of the environment.
 */
export class TestEnvironment {
  readonly #options: TestEnvironmentOptions;
  readonly #cleanups = new Cleanups();
  readonly #users = new Map<string, Access>();
  readonly #runs = new Set<Running>();
  #server: TestServer | undefined;
  #folder: Promise<string> | undefined;
  #files = 0;

  /** One that is not started yet: for hooks of a test runner. Elsewhere: {@link TestEnvironment.start}. */
  constructor(options: TestEnvironmentOptions = {}) {
    this.#options = options;
  }

  static async start(options: TestEnvironmentOptions = {}): Promise<TestEnvironment> {
    const environment = new TestEnvironment(options);
    await environment.start();
    return environment;
  }

  /** @throws {@link TestServerError} `TEST_SERVER_UNKNOWN`, `TEST_ENVIRONMENT_STARTED`, or what keeps the server from starting */
  async start(): Promise<void> {
    if (this.#server)
      throw new TestServerError('TEST_ENVIRONMENT_STARTED', 'The environment has started before.');
    const server = await startServer(this.#options);
    this.#server = server;
    this.#cleanups.add(async () => server.api.stop());
    this.#users.set(ADMIN, server.admin);
  }

  /** Which of the two servers it is. */
  get kind(): ServerKind {
    return this.#running.kind;
  }

  /** The server itself: both have `restart()` and `compact()`, and much more each. */
  get server(): EmbeddedApiServer | ControlPlane {
    return this.#running.api;
  }

  /** Address and credentials, for clients that take no kubeconfig. @param user - @defaultValue the administrator */
  access(user: string = ADMIN): Access {
    const access = this.#running && this.#users.get(user);
    if (access) return access;
    throw new TestServerError(
      'TEST_ENVIRONMENT_USER',
      `The environment has no user "${user}", only ${[...this.#users.keys()].join(', ')}: call addUser() first.`,
    );
  }

  /** Writes a kubeconfig and resolves with the path of the file: what `connect({ kubeconfig })` takes. */
  async kubeconfig({ user = ADMIN, ...options }: KubeconfigOptions = {}): Promise<string> {
    return this.#writeKubeconfig(formatKubeconfig(this.access(user), { user, ...options }));
  }

  /** A user who may do what the rules say, from the moment this resolves. Resolves with the path of a kubeconfig. */
  async addUser({ name, groups = [], rules = [], namespace }: TestUserOptions): Promise<string> {
    this.#users.set(name, this.#running.addUser({ name, groups }));
    await this.grant({ user: name, rules, namespace });
    return this.kubeconfig({ user: name });
  }

  /**
   * A service account, created if absent, that logs in with a fresh token; from then on it is the user
   * `system:serviceaccount:<namespace>:<name>` here too. Its rules hold in its namespace. Resolves with the path of a kubeconfig.
   */
  async addServiceAccount({ rules = [], ...options }: ServiceAccountOptions & Rights): Promise<string> {
    const { namespace, name } = options;
    const user = `system:serviceaccount:${namespace}:${name}`;
    const { url, ca } = this.access();
    const token = await serviceAccountToken(this.access(), options);
    this.#users.set(user, { url, ...(ca === undefined ? {} : { ca }), token });
    await this.grant({ user, rules, namespace });
    return this.kubeconfig({ user, namespace });
  }

  /** Lets a user do more. Resolves when the API server knows. */
  async grant(rights: Grant): Promise<void> {
    await grant(this.access(), rights);
  }

  /** A fresh namespace with a generated name, with which it resolves. It goes with the server, or by {@link removeNamespace}. */
  async namespace(options: NamespaceOptions = {}): Promise<string> {
    return createNamespace(this.access(), options);
  }

  /** Removes a namespace and all that is in it, whatever finalizers say: they are taken off. */
  async removeNamespace(name: string): Promise<void> {
    await removeNamespace(this.access(), name);
  }

  /** Creates custom resource definitions, or replaces them, and resolves when their resources are served. */
  async install(...definitions: readonly Definition[]): Promise<void> {
    await Promise.all(definitions.map((definition) => install(this.access(), definition)));
  }

  /** A proxy in front of the server, for faults: connect by the kubeconfig that {@link kubeconfigThrough} writes. */
  async faults({ user, ...options }: FaultsOptions = {}): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ ...options, target: this.access(user) });
    this.#cleanups.add(async () => proxy.stop());
    return proxy;
  }

  /** Writes a kubeconfig that leads through the proxy and resolves with its path. */
  async kubeconfigThrough(proxy: FaultProxy, options: KubeconfigOptions = {}): Promise<string> {
    return this.#writeKubeconfig(proxy.kubeconfig(options));
  }

  /** The Events about an object, which is given as the API server answered it. */
  async eventsOf(object: ApiObject): Promise<readonly TestEvent[]> {
    return eventsOf(this.access(), object);
  }

  /**
   * Starts an operator, or anything that runs until a signal aborts. It ends when the environment stops, or before that by its own `stop()`.
   * If it fails, {@link TestEnvironment.eventually} and `stop()` throw what it failed with.
   */
  run(what: Run): Running {
    const running = new Running(what);
    this.#runs.add(running);
    this.#cleanups.add(async () => (running.stopped ? undefined : running.stop()));
    return running;
  }

  /** As the function {@link eventually}; gives up at once when something fails that {@link run} started and nobody has stopped. */
  async eventually<T>(assertion: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
    const { timeout = PATIENCE[this.kind] } = this.#options;
    const signals = [...this.#runs].filter(({ stopped }) => !stopped).map(({ failed }) => failed);
    if (options.signal) signals.push(options.signal);
    return eventually(assertion, { timeout, ...options, signal: AbortSignal.any(signals) });
  }

  /** Has `cleanup` called when the environment stops, before what was made earlier goes. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.add(cleanup);
  }

  /** Ends everything, newest first, also when some of it fails. May be called twice. @throws what failed */
  async stop(): Promise<void> {
    await this.#cleanups.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #running(): TestServer {
    if (this.#server && !this.#cleanups.done) return this.#server;
    throw new TestServerError(
      'TEST_ENVIRONMENT_NOT_RUNNING',
      'The environment is not running: use it in hooks and tests, or after `await environment.start()`, and before it is stopped.',
    );
  }

  async #writeKubeconfig(text: string): Promise<string> {
    this.#files += 1;
    this.#folder ??= this.#makeFolder();
    const file = path.join(await this.#folder, `kubeconfig-${this.#files}`);
    await writePrivately(file, text);
    return file;
  }

  async #makeFolder(): Promise<string> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'incumbent-test-'));
    this.#cleanups.add(async () => rm(folder, { recursive: true, force: true }));
    return folder;
  }
}
