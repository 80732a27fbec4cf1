import { BlockList, isIP } from 'node:net';
import { IncumbentError } from '../kit/error.js';

/**
 * The proxy that the environment names for a server: `HTTPS_PROXY` (for http: servers `HTTP_PROXY`), unless `NO_PROXY` excepts it. In lower case
 * too. As Go's `http.ProxyFromEnvironment`, and so kubectl, has it: loopback addresses are never behind one.
 *
 * @see golang.org/x/net/http/httpproxy
 */
export function proxyFromEnvironment(server: URL, env: NodeJS.ProcessEnv): string | undefined {
  const of = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const proxy = server.protocol === 'https:' ? of('HTTPS_PROXY') : of('HTTP_PROXY');
  if (!proxy || isExcepted(server, of('NO_PROXY') ?? '')) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** @throws {@link IncumbentError} `CONNECTION_CONFIG` for kinds of proxies that we can't speak with */
export function checkedProxy(proxy: string | undefined): string | undefined {
  if (!proxy) return undefined;
  const { protocol } = URL.canParse(proxy) ? new URL(proxy) : { protocol: undefined };
  if (protocol === 'http:' || protocol === 'https:') return proxy;
  throw new IncumbentError(
    'CONNECTION_CONFIG',
    `The proxy ${proxy} can't be used: give the URL of an http or https proxy${protocol?.startsWith('socks') ? '; SOCKS is not spoken' : ''}.`,
  );
}

function isExcepted(server: URL, exceptions: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || isWithin(host, '127.0.0.0/8') || host === '::1') return true;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  return exceptions
    .split(',')
    .map((exception) => exception.trim().toLowerCase())
    .some((exception) => exception !== '' && matches(exception, host, port));
}

function matches(exception: string, host: string, port: string): boolean {
  if (exception === '*') return true;
  if (exception.includes('/')) return isWithin(host, exception);
  const [, name = exception, only] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(exception) ?? [];
  if (only !== undefined && only !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
  if (bare.startsWith('.')) return host.endsWith(bare);
  return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
}

function isWithin(host: string, range: string): boolean {
  const [network = '', bits = ''] = range.split('/');
  const family = isIP(network);
  if (
    family === 0 ||
    isIP(host) !== family ||
    !/^\d+$/.test(bits) ||
    Number(bits) > (family === 4 ? 32 : 128)
  )
    return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
