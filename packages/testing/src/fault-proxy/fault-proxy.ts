/** A proxy for tests, between any client and an API server, in which things go wrong on request. */
import { once } from 'node:events';
import net from 'node:net';
import {
  type Access,
  formatKubeconfig,
  type KubeconfigOptions,
  writePrivately,
} from '../control-plane/access.js';
import { TestServerError } from '../control-plane/error.js';
import { ActiveFaults } from './active-faults.js';
import type { Fault } from './fault.js';
import { Forwarder } from './forwarder.js';
import { Link } from './link.js';
import { reset } from './reset.js';

export interface FaultProxyOptions {
  /** The server, and as whom the proxy logs in there where a client certificate is needed; a URL will do for a server without. */
  readonly target: Access | string;
  /**
   * `'http'`: clients speak plain HTTP/1.1 with the proxy, which understands it; all faults work. `'tcp'`: bytes pass as they are, TLS
   * and HTTP/2 included; only faults of connections work.
   *
   * @defaultValue `'http'`
   */
  readonly level?: 'http' | 'tcp';
}

/** Lifts a fault. Resolves when its effects are over; may be called twice. */
export type Lift = () => Promise<void>;

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * *Guarantees*: without a fault, requests, answers and watches pass unchanged, and a connection that one side closes is closed on the other.
 * `stop()` leaves no socket and no timer.
 *
 * *Caveats*: at the HTTP level a token is the client's to send, but a client certificate is shown by the proxy: whoever connects is that user.
 * While the target is down, clients see their connection reset, not refused.
 */
export class FaultProxy {
  readonly #target: Access;
  readonly #level: 'http' | 'tcp';
  readonly #faults = new ActiveFaults();
  readonly #links = new Set<Link>();
  readonly #taken = new Set<net.Socket>();
  readonly #listener = net.createServer({ allowHalfOpen: true });
  readonly #forwarder: Forwarder | undefined;
  #port = 0;
  #onward: Address | undefined;
  #listening: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(target: Access, level: 'http' | 'tcp') {
    this.#target = target;
    this.#level = level;
    this.#forwarder = level === 'http' ? new Forwarder(target, this.#faults) : undefined;
    this.#listener.on('connection', (client) => this.#accept(client));
  }

  static async start({ target, level = 'http' }: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(typeof target === 'string' ? { url: target } : target, level);
    await proxy.#open();
    return proxy;
  }

  /** Such as `http://127.0.0.1:40123`; the same for its whole life. */
  get url(): string {
    const protocol = this.#level === 'http' ? 'http:' : new URL(this.#target.url).protocol;
    return `${protocol}//127.0.0.1:${this.#port}`;
  }

  /** How many connections pass through it now. */
  get connections(): number {
    return this.#links.size + this.#taken.size;
  }

  /**
   * Puts a fault in use. Several may be in use at once: the first in use has the first say.
   *
   * @throws {@link TestServerError} `FAULT_NEEDS_HTTP` where the proxy can't see what the fault strikes
   */
  use(fault: Fault): Lift {
    if (fault.needsHttp && this.#level === 'tcp')
      throw new TestServerError(
        'FAULT_NEEDS_HTTP',
        "This fault strikes HTTP requests, which a proxy at the TCP level can't see: start the proxy with level 'http'.",
      );
    const lift = this.#faults.add(fault);
    this.#followRefusal();
    return async () => {
      lift();
      this.#followRefusal();
      await this.#listening;
    };
  }

  /** Resets every open connection now, once. Returns how many there were. */
  cut(): number {
    const count = this.connections;
    for (const link of this.#links) link.cut();
    for (const socket of this.#taken) reset(socket);
    return count;
  }

  /** How a client reaches the target through the proxy. */
  access(): Access {
    if (this.#level === 'tcp') return { ...this.#target, url: this.url };
    const { token } = this.#target;
    return { url: this.url, ...(token === undefined ? {} : { token }) };
  }

  /** The text of a kubeconfig that leads through the proxy. */
  kubeconfig(options: KubeconfigOptions = {}): string {
    return formatKubeconfig(this.access(), options);
  }

  /** Writes a kubeconfig that only its owner may read: it may hold a token. */
  async writeKubeconfig(file: string, options: KubeconfigOptions = {}): Promise<void> {
    await writePrivately(file, this.kubeconfig(options));
  }

  /** Lifts all faults, resets what is open and closes. May be called twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#faults.clear();
    await this.#listening.catch(() => {});
    this.cut();
    if (this.#listener.listening) this.#listener.close();
    await this.#forwarder?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #open(): Promise<void> {
    this.#onward = this.#forwarder
      ? { host: '127.0.0.1', port: await this.#forwarder.listen() }
      : addressOf(this.#target.url);
    await this.#listen();
    this.#port = (this.#listener.address() as net.AddressInfo).port;
  }

  async #listen(): Promise<void> {
    this.#listener.listen(this.#port, '127.0.0.1');
    await once(this.#listener, 'listening');
  }

  /** The listener is closed, not only deaf: what reaches a socket that is accepted is not refused. */
  #followRefusal(): void {
    const refuses = this.#stopped || this.#faults.some((fault) => fault.refusesConnections);
    if (refuses && this.#listener.listening) this.#listener.close();
    if (!refuses && !this.#listener.listening) this.#listening = this.#listen();
  }

  #accept(client: net.Socket): void {
    if (this.#faults.some((fault) => fault.takesConnection())) this.#take(client);
    else if (this.#onward) {
      const server = net.connect({ ...this.#onward, allowHalfOpen: true });
      this.#links.add(new Link(client, server, this.#faults, (link) => this.#links.delete(link)));
    }
  }

  /** Reads, so that the client's kernel never sees a full window, and says nothing. */
  #take(client: net.Socket): void {
    this.#taken.add(client);
    client.on('error', () => {});
    client.on('close', () => this.#taken.delete(client));
    client.resume();
  }
}

function addressOf(url: string): Address {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}
