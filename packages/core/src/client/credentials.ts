import { createSecureContext, type ConnectionOptions as TlsOptions } from 'node:tls';
import type { Clock } from '../kit/clock.js';
import { IncumbentError, messageOf } from '../kit/error.js';
import { CredentialFile } from './credential-file.js';
import { type ExecCredential, ExecPlugin } from './exec-plugin.js';
import type { KubeconfigCluster, KubeconfigUser } from './kubeconfig.js';

/** What proves to the server who is calling, at this moment. */
export interface Identification {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<
    TlsOptions,
    'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
  >;
}

/** Where credentials come from; asked again and again, since tokens and certificates rotate. */
export interface Credentials {
  current(): Promise<Identification>;
  /** The server did not accept what {@link current} gave last: what is remembered of it is to be forgotten. */
  rejected?(): void;
}

export interface UserCredentialsOptions {
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
  readonly userName: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Header values of a user's `auth-provider`, which others know how to get. */
  readonly authProvider?: (() => Promise<Record<string, string>>) | undefined;
}

type Source = () => Promise<Buffer | string>;

/** Credentials as a kubeconfig names them. Files are read again each time they are asked for. */
export class UserCredentials implements Credentials {
  readonly #options: UserCredentialsOptions;
  readonly #files: CredentialFile[] = [];
  readonly #ca: Source | undefined;
  readonly #cert: Source | undefined;
  readonly #key: Source | undefined;
  readonly #tokenFile: Source | undefined;
  readonly #plugin: ExecPlugin | undefined;
  #pair: { readonly cert: Buffer | string; readonly key: Buffer | string } | undefined;

  constructor(options: UserCredentialsOptions) {
    const { cluster, user, userName } = options;
    this.#options = options;
    this.#ca = this.#source(cluster, 'certificate-authority', 'the certificate authority of the cluster');
    this.#cert = this.#source(user, 'client-certificate', `the client certificate of user "${userName}"`);
    this.#key = this.#source(user, 'client-key', `the client key of user "${userName}"`);
    this.#tokenFile = user.tokenFile
      ? this.#file(user.tokenFile, `the token of user "${userName}"`)
      : undefined;
    this.#plugin = user.exec && new ExecPlugin(user.exec, options);
  }

  async current(): Promise<Identification> {
    const { cluster } = this.#options;
    const given = await this.#plugin?.credential();
    return {
      headers: { ...(await this.#authorization(given)), ...this.#impersonation() },
      tls: {
        ...(this.#ca ? { ca: await this.#ca() } : {}),
        ...(await this.#certificate(given)),
        ...(cluster['insecure-skip-tls-verify'] ? { rejectUnauthorized: false } : {}),
        ...(cluster['tls-server-name'] ? { servername: cluster['tls-server-name'] } : {}),
      },
    };
  }

  rejected(): void {
    this.#plugin?.forget();
    for (const file of this.#files) file.forget();
  }

  /** As client-go: a file before a token, both before what a plugin says. */
  async #authorization(given: ExecCredential | undefined): Promise<Record<string, string>> {
    const { user, authProvider } = this.#options;
    const file = await this.#tokenFile?.();
    const token = file?.toString().trim() || user.token?.trim() || given?.token?.trim();
    if (token) return { authorization: `Bearer ${token}` };
    if (user.username) {
      const pair = `${user.username}:${user.password ?? ''}`;
      return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
    }
    return (await authProvider?.()) ?? {};
  }

  async #certificate(given: ExecCredential | undefined): Promise<Identification['tls']> {
    if (given?.clientCertificateData && given.clientKeyData)
      return { cert: given.clientCertificateData, key: given.clientKeyData };
    if (!this.#cert || !this.#key) return {};
    const pair = { cert: await this.#cert(), key: await this.#key() };
    this.#pair = this.#fitting(pair) ?? this.#pair;
    return this.#pair ?? pair;
  }

  /** Two files are not replaced at once: the pair before serves until both are there. */
  #fitting(pair: { cert: Buffer | string; key: Buffer | string }): typeof pair | undefined {
    try {
      createSecureContext(pair);
      return pair;
    } catch (error) {
      if (this.#pair) return undefined;
      throw new IncumbentError(
        'CREDENTIALS_FAILED',
        `The client certificate and key of user "${this.#options.userName}" can't be used together: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  #impersonation(): Record<string, string> {
    const { as, 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = this.#options.user;
    if (groups?.length || extra || uid)
      throw new IncumbentError(
        'CREDENTIALS_FAILED',
        `User "${this.#options.userName}" is impersonated with as-groups, as-uid or as-user-extra: only "as" can be sent.`,
      );
    return as ? { 'impersonate-user': as } : {};
  }

  /** Data stands before a file, as in kubectl. */
  #source<Field extends string>(
    entry: { readonly [Key in Field | `${Field}-data`]?: string },
    field: Field,
    what: string,
  ): Source | undefined {
    const data = entry[`${field}-data`];
    const file = entry[field];
    if (data) {
      const content = Buffer.from(data, 'base64');
      return () => Promise.resolve(content);
    }
    return file ? this.#file(file, what) : undefined;
  }

  #file(path: string, what: string): Source {
    const file = new CredentialFile(path, what);
    this.#files.push(file);
    return () => file.read();
  }
}
