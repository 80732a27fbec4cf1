/** Kubeconfigs: the file with which other programs find the server. */

export interface KubeconfigTarget {
  readonly server: string;
  readonly user: string;
  readonly token: string;
  readonly namespace?: string | undefined;
}

const name = 'embedded';
const prefix = '/as/';

/**
 * The path below which a token is taken from the path: `/as/TOKEN`.
 *
 * kubectl sends no credentials over plain HTTP, so a kubeconfig names the server by such an address.
 */
export function pathOfToken(token: string): string {
  return `${prefix}${encodeURIComponent(token)}`;
}

export interface Peeled {
  /** The rest of the path, and the query. */
  readonly url: string;
  readonly token: string;
}

/** Takes the token out of a request's path; undefined if there is none. */
export function peelToken(url: string): Peeled | undefined {
  const match = /^\/as\/([^/?]+)(.*)$/s.exec(url);
  if (match === null) return undefined;
  const rest = match[2] ?? '';
  return { token: decodeURIComponent(match[1] ?? ''), url: rest.startsWith('/') ? rest : `/${rest}` };
}

/** As JSON, which every reader of YAML reads. */
export function renderKubeconfig({ server, user, token, namespace }: KubeconfigTarget): string {
  const context = { cluster: name, user, ...(namespace === undefined ? {} : { namespace }) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `${server}${pathOfToken(token)}` } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
