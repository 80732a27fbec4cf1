/** Who sends a request: bearer tokens of users and of service accounts. */
import type { Environment } from './environment.js';
import type { User } from './write-context.js';

export interface TokenUser {
  readonly name: string;
  readonly token: string;
  readonly groups?: readonly string[];
}

const everyone = 'system:authenticated';

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

interface Grant {
  readonly user: User;
  /** Wall time in ms after which the token is no longer accepted. */
  readonly expires: number;
}

export class Authenticator {
  readonly #environment: Environment;
  readonly #grants = new Map<string, Grant>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  add({ name, token, groups = [] }: TokenUser): void {
    this.grant(token, { name, groups: [...new Set([...groups, everyone])] }, Number.POSITIVE_INFINITY);
  }

  grant(token: string, user: User, expires: number): void {
    this.#grants.set(token, { user, expires });
  }

  /** The user behind the Authorization header; undefined for a token that is not accepted. */
  authenticate(header: string | undefined): User | undefined {
    const match = /^Bearer\s+(\S+)$/i.exec(header ?? '');
    // Other schemes are not looked at: whoever uses them is anonymous.
    if (match === null) return anonymous;
    const grant = this.#grants.get(match[1] ?? '');
    return grant === undefined || grant.expires <= this.#environment.now().getTime() ? undefined : grant.user;
  }

  /** The user with this name, for kubeconfigs; the token is the first that was given to it. */
  tokenOf(name: string): string | undefined {
    for (const [token, { user }] of this.#grants) if (user.name === name) return token;
    return undefined;
  }

  /** A random token that speaks for a service account. */
  issueFor(
    account: { readonly namespace: string; readonly name: string; readonly uid: string },
    expires: number,
  ): string {
    const token = this.#environment.token(64);
    const { namespace, name, uid } = account;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, everyone];
    this.grant(token, { name: `system:serviceaccount:${namespace}:${name}`, uid, groups }, expires);
    return token;
  }
}
