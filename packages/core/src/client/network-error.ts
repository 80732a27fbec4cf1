/** What Node says of a connection that failed, in words that name the remedy. */
import { codeOf, messageOf } from '../kit/error.js';

const REMEDIES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is the server running, and the address in the kubeconfig right?',
  ENOTFOUND: 'the host name does not resolve.',
  ECONNRESET: 'the connection was cut.',
  UND_ERR_SOCKET: 'the connection was cut.',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within 5 s: is there a firewall between?',
  SELF_SIGNED_CERT_IN_CHAIN:
    "the server's certificate is not signed by the kubeconfig's certificate authority.",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "the server's certificate is not signed by the kubeconfig's certificate authority.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate is not signed by the kubeconfig's certificate authority.",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another host name.",
  CERT_HAS_EXPIRED: "the server's certificate has expired.",
};

export function explainNetworkError(error: unknown, server: URL): string {
  const code = codeOf(error);
  const remedy = code ? REMEDIES[code] : undefined;
  return remedy ? `${server.host}: ${remedy} (${code})` : `${server.host}: ${messageOf(error)}`;
}
