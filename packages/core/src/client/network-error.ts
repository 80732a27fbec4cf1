/** What Node says of a connection that failed, in one sentence that names the remedy. */
import { codeOf, messageOf } from '../kit/error.js';

type Explanation = string | ((error: ConnectionError, server: URL) => string);

interface ConnectionError {
  readonly message?: string;
  /** The name that a certificate is not for. */
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

const UNTRUSTED =
  "the server's certificate is not signed by an authority that we trust: put its authority's certificate into certificate-authority-data of the kubeconfig's cluster.";
const REJECTED =
  "the server does not accept our client certificate: renew client-certificate and client-key of the kubeconfig's user.";
const WANTED =
  "the server wants a client certificate, or no cipher that we have: give client-certificate and client-key to the kubeconfig's user.";
const NO_TLS =
  'the server does not speak TLS: write its address as http:// if that is meant, or correct the port.';
const NO_HTTP =
  'the server does not speak HTTP: write its address as https:// if that is meant, or correct the port.';
/** An alert that comes after the handshake, as TLS 1.3 has it, is not told apart from any other end. */
const CUT: Explanation = (_, { protocol }) =>
  `the connection was cut before the answer was complete; if it always is, ${
    protocol === 'https:'
      ? "the server may not accept our client certificate: look at client-certificate of the kubeconfig's user."
      : 'the server may speak TLS: write its address as https://.'
  }`;

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: 'nothing listens there: is the server running, and the address in the kubeconfig right?',
  ENOTFOUND: 'the host name does not resolve: is the address in the kubeconfig right?',
  EAI_AGAIN: 'the host name does not resolve at the moment: is the name server reachable?',
  EHOSTUNREACH: 'no way leads there: is the network up, and a VPN needed?',
  ENETUNREACH: 'no way leads there: is the network up, and a VPN needed?',
  ECONNRESET: CUT,
  EPIPE: CUT,
  UND_ERR_SOCKET: CUT,
  UND_ERR_CONNECT_TIMEOUT: 'no connection within 5 s: is there a firewall between?',
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED:
    "the server's certificate, or its authority's, has expired: renew it, or correct the clock of this machine.",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet: correct the clock of this machine.",
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host, cert }) =>
    `the server's certificate is for ${cert?.subjectaltname ?? 'nobody'} and not for ${host}: use a name that it has, or set tls-server-name to one.`,
  ALERT_CERTIFICATE_REQUIRED: WANTED,
  ALERT_HANDSHAKE_FAILURE: WANTED,
  ALERT_UNKNOWN_CA: REJECTED,
  ALERT_BAD_CERTIFICATE: REJECTED,
  ALERT_CERTIFICATE_EXPIRED: REJECTED,
  ALERT_CERTIFICATE_REVOKED: REJECTED,
  ALERT_CERTIFICATE_UNKNOWN: REJECTED,
  ALERT_ACCESS_DENIED: REJECTED,
  ALERT_PROTOCOL_VERSION:
    'the server speaks only versions of TLS that are too old: it needs TLS 1.2 or later.',
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  EPROTO: NO_TLS,
  HPE_INVALID_CONSTANT: NO_HTTP,
  HPE_INVALID_VERSION: NO_HTTP,
  UND_ERR_ABORTED: ({ message = '' }, { host }) => {
    const status = /^Proxy response \((\d+)\)/.exec(message)?.[1];
    if (status === '407') return 'the proxy wants a user and password: write them into its URL.';
    return status ? `the proxy refuses the way to ${host} with ${status}: is it allowed there?` : message;
  },
};

export function explainNetworkError(error: unknown, server: URL): string {
  const code = codeOf(error);
  // One alert has different prefixes, by the version of TLS and of OpenSSL.
  const explanation = code && EXPLANATIONS[code.replace(/^ERR_SSL_.*(?=ALERT_)/, '')];
  if (!explanation) return `${server.host}: ${messageOf(error)}`;
  const text = typeof explanation === 'string' ? explanation : explanation(error as ConnectionError, server);
  return `${server.host}: ${text} (${code})`;
}
