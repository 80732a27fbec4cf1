import type { KubeConfig } from '@kubernetes/client-node';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { IncumbentError, messageOf } from '../kit/error.js';

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

/** What client-node fills in: `https.RequestOptions`, of which we read these. */
type HttpsOptions = Identification['tls'] & {
  auth?: string;
  headers?: Record<string, string>;
};

/** Credentials of a kubeconfig's current context: tokens, token files, exec plugins and client certificates, refreshed by client-node. */
export class KubeConfigCredentials implements Credentials {
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  async current(): Promise<Identification> {
    const options: HttpsOptions = {};
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      const user = this.#config.getCurrentUser()?.name;
      throw new IncumbentError(
        'CREDENTIALS_FAILED',
        `No credentials for user "${user}" of the kubeconfig: ${messageOf(error)}`,
        { cause: error },
      );
    }
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    return {
      headers: { ...basicAuthorization(options.auth), ...plainHeaders(options.headers) },
      tls: defined({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }),
    };
  }
}

function basicAuthorization(auth: string | undefined): Record<string, string> {
  return auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
}

function plainHeaders(headers: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value).trim()]),
  );
}

function defined<T extends object>(options: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  ) as {
    [Key in keyof T]?: NonNullable<T[Key]>;
  };
}
