/** What kubeconfig files say, merged as kubectl merges them: the first file that names something is believed. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, IncumbentError, messageOf } from '../kit/error.js';

export interface KubeconfigCluster {
  readonly server: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

export interface KubeconfigExec {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  /** What to tell whoever lacks the command. */
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: 'Never' | 'IfAvailable' | 'Always';
}

export interface KubeconfigUser {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: KubeconfigExec;
  readonly 'auth-provider'?: { readonly name: string; readonly config?: unknown };
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly 'as-user-extra'?: Readonly<Record<string, readonly string[]>>;
}

export interface KubeconfigContext {
  readonly cluster: string;
  readonly user: string;
  readonly namespace?: string;
}

/** One context with what it refers to. */
export interface Target {
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
  readonly userName: string;
  readonly namespace: string | undefined;
}

interface Contents {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: KubeconfigContext }[] | null;
  readonly clusters?: readonly { readonly name: string; readonly cluster: KubeconfigCluster }[] | null;
  readonly users?: readonly { readonly name: string; readonly user: KubeconfigUser | null }[] | null;
}

export class Kubeconfig {
  readonly #files: readonly string[];
  readonly #contexts = new Map<string, KubeconfigContext>();
  readonly #clusters = new Map<string, KubeconfigCluster>();
  readonly #users = new Map<string, KubeconfigUser>();
  #current: string | undefined;

  private constructor(files: readonly string[]) {
    this.#files = files;
  }

  /**
   * Files that are not there are left out, as kubectl does, as long as one is.
   *
   * @param parse - from YAML
   * @throws {@link IncumbentError} `CONNECTION_CONFIG`
   */
  static read(files: readonly string[], parse: (text: string) => unknown): Kubeconfig {
    const config = new Kubeconfig(files);
    const texts = files
      .map((file) => ({ file, text: textOf(file) }))
      .filter(({ text }) => text !== undefined);
    if (texts.length === 0) throw unusable(files, 'there is no such file.');
    for (const { file, text } of texts) config.#add(file, contentsOf(file, parse, text as string));
    return config;
  }

  /** @throws {@link IncumbentError} `CONNECTION_CONFIG` when there is no such context, or it refers to what is not there */
  target(name: string | undefined = this.#current): Target {
    const context = name === undefined ? undefined : this.#contexts.get(name);
    if (!context) throw unusable(this.#files, this.#withoutContext(name));
    const cluster = this.#clusters.get(context.cluster);
    if (!cluster?.server)
      throw unusable(this.#files, `context "${name}" needs cluster "${context.cluster}" with a server.`);
    const user = context.user ? this.#users.get(context.user) : {};
    if (!user) throw unusable(this.#files, `context "${name}" needs user "${context.user}".`);
    return { cluster, user, userName: context.user, namespace: context.namespace };
  }

  #withoutContext(name: string | undefined): string {
    const known = [...this.#contexts.keys()].join(', ') || 'none';
    if (!name)
      return `no context is current: choose one of ${known}, by "kubectl config use-context" or by the option context.`;
    return `there is no context "${name}": it has ${known}.`;
  }

  #add(file: string, contents: Contents): void {
    const folder = path.dirname(path.resolve(file));
    this.#current ??= contents['current-context'] || undefined;
    for (const { name, context } of contents.contexts ?? []) addNew(this.#contexts, name, context);
    for (const { name, cluster } of contents.clusters ?? [])
      addNew(this.#clusters, name, absolute(cluster, ['certificate-authority'], folder));
    for (const { name, user } of contents.users ?? []) addNew(this.#users, name, userIn(folder, user ?? {}));
  }
}

function userIn(folder: string, user: KubeconfigUser): KubeconfigUser {
  const files = absolute(user, ['client-certificate', 'client-key', 'tokenFile'], folder);
  const command = user.exec?.command;
  // A bare name is looked up in PATH.
  if (!user.exec || !command?.includes('/')) return files;
  return { ...files, exec: { ...user.exec, command: path.resolve(folder, command) } };
}

function absolute<T extends object>(entry: T, fields: readonly (keyof T)[], folder: string): T {
  const resolved = fields
    .filter((field) => entry[field])
    .map((field) => [field, path.resolve(folder, String(entry[field]))]);
  return { ...entry, ...Object.fromEntries(resolved) };
}

function addNew<T>(known: Map<string, T>, name: string, value: T): void {
  if (!known.has(name)) known.set(name, value);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable([file], `it can't be read: ${messageOf(error)}`, error);
  }
}

function contentsOf(file: string, parse: (text: string) => unknown, text: string): Contents {
  try {
    const contents = parse(text);
    // An empty file is what kubectl makes of a config without entries.
    if (contents === null || contents === undefined) return {};
    if (typeof contents === 'object' && !Array.isArray(contents)) return contents;
  } catch (error) {
    throw unusable([file], `it is not YAML: ${messageOf(error)}`, error);
  }
  throw unusable([file], 'it is no kubeconfig.');
}

function unusable(files: readonly string[], why: string, cause?: unknown): IncumbentError {
  return new IncumbentError('CONNECTION_CONFIG', `kubeconfig ${files.join(', ')}: ${why}`, { cause });
}
