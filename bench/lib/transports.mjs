// The ways to the API server that bench/transport.mjs compares.
import diagnostics from 'node:diagnostics_channel';
import { KubeConfig } from '@kubernetes/client-node';
import { Client, ConfigMap, Connection, connect } from '@incumbent/core/client';
import { Agent } from 'undici';

const KEY = { namespace: 'default', name: 'transport' };
const COLLECTION = '/api/v1/namespaces/default/configmaps';
const SILENT = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 4000 };

/** By name: opens one, to the server of the kubeconfig or to another address in front of it. */
export const transports = {
  ours: async (kubeconfig, url) => new Ours(await ourConnection(kubeconfig, url)),
  'HTTP/1.1': (kubeconfig, url) =>
    Bare.open(kubeconfig, url, { allowH2: false, pipelining: 1, connections: 16 }),
  'HTTP/2': (kubeconfig, url) =>
    Bare.open(kubeconfig, url, { allowH2: true, preferH2: true, connections: 1 }),
};

/** How many connections undici has opened in this process. */
let opened = 0;
diagnostics.subscribe('undici:client:connected', () => opened++);

class Counting {
  #before = opened;
  get sockets() {
    return opened - this.#before;
  }
}

class Ours extends Counting {
  #connection;
  #client;
  #watching = new AbortController();

  constructor(connection) {
    super();
    this.#connection = connection;
    this.#client = new Client(connection);
  }

  get server() {
    return this.#connection.server.href;
  }

  async get(signal) {
    // As renewals are sent: what fails is not sent again by the connection.
    await this.#client.get(ConfigMap, KEY, { signal });
  }

  async patch(turn, signal) {
    const patch = { data: { turn: String(turn) } };
    await this.#client.unfenced().patch(ConfigMap, KEY, { type: 'merge', patch }, { signal });
  }

  async watch() {
    const { signal } = this.#watching;
    const events = this.#client.watch(ConfigMap, { namespace: 'default', signal })[Symbol.asyncIterator]();
    await events.next();
    events.next().catch(() => {});
  }

  async close() {
    this.#watching.abort();
    await this.#connection.close();
  }
}

class Bare extends Counting {
  #requests;
  #streams;
  #headers;

  constructor(server, requests, streams, headers) {
    super();
    this.server = server;
    this.#requests = requests;
    this.#streams = streams;
    this.#headers = headers;
  }

  static async open(kubeconfig, url, options) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const tls = {};
    await config.applyToHTTPSOptions(tls);
    const { ca, cert, key, headers = {} } = tls;
    const { preferH2, ...agent } = { ...SILENT, ...options };
    const connect = { ca, cert, key, allowH2: options.allowH2, preferH2, keepAlive: true };
    const requests = new Agent({ ...agent, connect });
    const streams = options.allowH2 ? requests : new Agent({ ...agent, connect, connections: null });
    return new Bare(url ?? config.getCurrentCluster().server, requests, streams, headers);
  }

  async get(signal) {
    await this.#send({ method: 'GET', path: `${COLLECTION}/${KEY.name}`, signal });
  }

  async patch(turn, signal) {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const body = JSON.stringify({ data: { turn: String(turn) } });
    await this.#send({ method: 'PATCH', path: `${COLLECTION}/${KEY.name}`, headers, body, signal });
  }

  async watch() {
    const { body } = await this.#streams.request({
      origin: this.server,
      path: `${COLLECTION}?watch=1`,
      method: 'GET',
      headers: this.#headers,
    });
    body.on('error', () => {});
    await body[Symbol.asyncIterator]().next();
  }

  async #send({ headers, ...request }) {
    const options = { origin: this.server, ...request, headers: { ...this.#headers, ...headers } };
    const { statusCode, body } = await this.#requests.request(options);
    const answer = await body.json();
    if (statusCode !== 200) throw new Error(JSON.stringify(answer));
  }

  async close() {
    await Promise.all([this.#requests.destroy(), this.#streams.destroy()]);
  }
}

async function ourConnection(kubeconfig, url) {
  const connection = await connect({ kubeconfig });
  if (!url) return connection;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const credentials = {
    async current() {
      const options = {};
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, headers = {} } = options;
      return {
        headers,
        tls: Object.fromEntries(Object.entries({ ca, cert, key }).filter(([, value]) => value)),
      };
    },
  };
  return new Connection({ server: url, credentials }).sibling();
}
