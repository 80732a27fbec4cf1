/** A real control plane for tests: etcd and kube-apiserver as processes on loopback, thrown away with the test. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Access, formatKubeconfig, type KubeconfigOptions, writePrivately } from './access.js';
import { type Assets, findAssets } from './assets.js';
import { CertificateAuthority, type KeyPair, tokenKeys } from './certificates.js';
import { apiServerFlags, controllerManagerFlags, etcdFlags, files } from './command-lines.js';
import { TestServerError } from './error.js';
import { compactHistory, isServing } from './etcd.js';
import { host } from './host.js';
import { type ControlPlaneOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { Processes } from './processes.js';
import { isReady, until } from './readiness.js';
import { type ServiceAccountOptions, serviceAccountToken } from './service-account.js';

export interface UserOptions {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface RestartOptions {
  /** `SIGKILL` is a crash. @defaultValue `SIGTERM`: it ends its watches in order */
  readonly signal?: NodeJS.Signals;
  /** Runs while nobody listens; the API server starts again when it has settled. */
  readonly whileDown?: () => Promise<void>;
}

const ADMIN = 'admin';
const API_SERVER = 'kube-apiserver';
const START_ATTEMPTS = 3;

/**
 * etcd and kube-apiserver, with RBAC, on loopback ports of their own.
 *
 * *Guarantees*: when `start` resolves, the API server is ready and has its first namespaces. No process and no file outlives `stop()`, or the
 * process that called `start()`, even if that is killed.
 *
 * *Not there*: nodes, and controllers unless asked for: Pods stay pending, owners' dependents stay. A supervisor killed by hand leaves the servers behind.
 *
 * @throws {@link TestServerError} with a `code` that starts with `CONTROL_PLANE_`
 */
export class ControlPlane {
  /** Such as `https://127.0.0.1:40123`; the same for its whole life. */
  readonly url: string;
  readonly #authority: CertificateAuthority;
  readonly #processes: Processes;
  readonly #users = new Map<string, Access>();
  readonly #launch: Launch;

  private constructor(launch: Launch, port: number) {
    this.url = `https://127.0.0.1:${port}`;
    this.#launch = launch;
    this.#authority = launch.authority;
    this.#processes = launch.processes;
    this.#users.set(ADMIN, { url: this.url, ca: launch.authority.certificate, token: launch.adminToken });
  }

  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const resolved = resolveOptions(options);
    const assets = findAssets(options.assets);
    requireControllerManager(resolved, assets);
    const processes = await Processes.open();
    try {
      const launch = prepare(processes, assets, resolved);
      await onFreePort((port) => runEtcd(launch, port));
      const port = await onFreePort((candidate) => runApiServer(launch, candidate));
      const controlPlane = new ControlPlane(launch, port);
      await controlPlane.#startControllerManager();
      return controlPlane;
    } catch (error) {
      await processes.close();
      throw error;
    }
  }

  /** Where the servers' logs are (`etcd.log`, `kube-apiserver.log`), until `stop()`. */
  get folder(): string {
    return this.#processes.folder;
  }

  /** Process ids by name, for tests that pause or kill a server. */
  get pids(): ReadonlyMap<string, number> {
    return this.#processes.pids;
  }

  /** @param user - as given to {@link addUser}; without one, the administrator */
  access(user: string = ADMIN): Access {
    const access = this.#users.get(user);
    if (access) return access;
    throw new TestServerError(
      'CONTROL_PLANE_USER',
      `There is no user "${user}": call addUser({ name: '${user}' }) first.`,
    );
  }

  /** Where the store is and how to log in there, for what the API server has no verb for, such as filling it quickly. */
  etcdAccess(): Access {
    return etcdAccess(this.#launch);
  }

  /** The text of a kubeconfig. */
  kubeconfig({ user = ADMIN, ...options }: KubeconfigOptions = {}): string {
    return formatKubeconfig(this.access(user), { user, ...options });
  }

  /** Writes a kubeconfig that only its owner may read: it holds a key or a token. */
  async writeKubeconfig(file: string, options: KubeconfigOptions = {}): Promise<void> {
    await writePrivately(file, this.kubeconfig(options));
  }

  /**
   * A user who logs in with a client certificate, at once and without rights: bind a role to the name or to one of the groups.
   *
   * @returns the user's kubeconfig
   */
  addUser({ name, groups = [] }: UserOptions): string {
    const clientCertificate = this.#authority.forClient({ commonName: name, organizations: groups });
    this.#users.set(name, { url: this.url, ca: this.#authority.certificate, clientCertificate });
    return this.kubeconfig({ user: name });
  }

  /**
   * A service account, created if absent, that logs in with a fresh token. It is then the user `system:serviceaccount:<namespace>:<name>` here too.
   *
   * @returns its kubeconfig
   */
  async addServiceAccount(options: ServiceAccountOptions): Promise<string> {
    const token = await serviceAccountToken(this.access(), options);
    const user = `system:serviceaccount:${options.namespace}:${options.name}`;
    this.#users.set(user, { url: this.url, ca: this.#authority.certificate, token });
    return this.kubeconfig({ user });
  }

  /**
   * Drops the store's history: watches and continue tokens from before now are answered 410. What the API server still holds in memory it
   * goes on serving; `restart()` or `watchCache: false` empties that.
   *
   * @returns the revision before which nothing is left
   */
  async compact(): Promise<string> {
    return compactHistory(etcdAccess(this.#launch));
  }

  /** Ends the API server and starts it again, on the same port and with the same data. */
  async restart({ signal = 'SIGTERM', whileDown }: RestartOptions = {}): Promise<void> {
    await this.#processes.end(API_SERVER, signal);
    await whileDown?.();
    await runApiServer(this.#launch, Number(new URL(this.url).port));
  }

  /** Ends the servers and removes their folder. May be called twice. */
  async stop(): Promise<void> {
    await this.#processes.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #startControllerManager(): Promise<void> {
    const { assets, options } = this.#launch;
    if (!options.controllerManager || !assets.controllerManager) return;
    await this.writeKubeconfig(path.join(this.folder, files.controllerManager));
    this.#processes.start('kube-controller-manager', assets.controllerManager, controllerManagerFlags());
    await serviceAccountToken(this.access(), { namespace: 'default', name: 'default' });
  }
}

/** Everything that starting a server again needs. */
interface Launch {
  readonly processes: Processes;
  readonly assets: Assets;
  readonly options: ResolvedOptions;
  readonly authority: CertificateAuthority;
  readonly adminToken: string;
  readonly etcdClient: KeyPair;
  readonly deadline: number;
  etcdUrl: string;
}

function prepare(processes: Processes, assets: Assets, options: ResolvedOptions): Launch {
  const authority = new CertificateAuthority(host.now());
  const adminToken = randomBytes(24).toString('base64url');
  const etcdClient = authority.forClient({ commonName: API_SERVER });
  const keys = tokenKeys();
  const put = (name: string, content: string): void =>
    writeFileSync(path.join(processes.folder, name), content, { mode: 0o600 });
  const putPair = (names: KeyPair, pair: KeyPair): void => {
    put(names.certificate, pair.certificate);
    put(names.key, pair.key);
  };
  put(files.ca, authority.certificate);
  putPair(files.server, authority.forServer(API_SERVER));
  putPair(files.etcdClient, etcdClient);
  put(files.tokenKeys.signing, keys.signing);
  put(files.tokenKeys.verifying, keys.verifying);
  put(files.tokens, `${adminToken},${ADMIN},${ADMIN},system:masters\n`);
  const deadline = host.monotonic() + options.startTimeout;
  return { processes, assets, options, authority, adminToken, etcdClient, deadline, etcdUrl: '' };
}

async function runEtcd(launch: Launch, port: number): Promise<void> {
  const { processes, assets, options, deadline } = launch;
  launch.etcdUrl = `https://127.0.0.1:${port}`;
  processes.start('etcd', assets.etcd, etcdFlags(options, port));
  await until({ processes, name: 'etcd', deadline }, async () => isServing(processes.log('etcd')));
}

function etcdAccess({ etcdUrl, authority, etcdClient }: Launch): Access {
  return { url: etcdUrl, ca: authority.certificate, clientCertificate: etcdClient };
}

/** Resolves with the port. Another one is tried when somebody else was quicker to take it. */
async function onFreePort(run: (port: number) => Promise<void>): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await host.freePort();
    try {
      await run(port);
      return port;
    } catch (error) {
      if (attempt === START_ATTEMPTS || !portWasTaken(error)) throw error;
    }
  }
}

async function runApiServer(launch: Launch, port: number): Promise<void> {
  const { processes, assets, options, authority, adminToken } = launch;
  const admin: Access = { url: `https://127.0.0.1:${port}`, ca: authority.certificate, token: adminToken };
  const deadline = host.monotonic() + options.startTimeout;
  processes.start(API_SERVER, assets.apiServer, apiServerFlags(options, launch.etcdUrl, port));
  await until({ processes, name: API_SERVER, deadline }, () => isReady(admin));
}

function portWasTaken(error: unknown): boolean {
  return error instanceof TestServerError && error.message.includes('address already in use');
}

function requireControllerManager({ controllerManager }: ResolvedOptions, assets: Assets): void {
  if (!controllerManager || assets.controllerManager) return;
  throw new TestServerError(
    'CONTROL_PLANE_ASSETS_MISSING',
    `${assets.folder} has no executable kube-controller-manager: build it with ` +
      "`node tools/control-plane/build.mjs --controller-manager` in Incumbent's repository.",
  );
}
