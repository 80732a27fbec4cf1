/**
 * The embedded Kubernetes API server: plain HTTP on loopback, all data in memory.
 *
 * This file is its life: sockets, start, stop, restart. What it answers lies in the files beside it.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tooLarge } from '../object/status.js';
import { Authenticator } from './authentication.js';
import type { TokenUser } from './authentication.js';
import { Authorizer } from './authorization.js';
import { bootstrap } from './bootstrap.js';
import { DefinitionController } from './definitions.js';
import { Deletion } from './deletion.js';
import { Dispatcher } from './dispatcher.js';
import { createEnvironment } from './environment.js';
import type { Environment } from './environment.js';
import { GarbageCollector } from './garbage-collector.js';
import { isStream } from './http-message.js';
import type { AnyResponse, ApiResponse, Sink, StreamResponse } from './http-message.js';
import { chunksOf, direct, type DirectRequest, type DirectResponse } from './direct.js';
import { Journal } from './journal.js';
import type { JournalEntry, JournalListener } from './journal.js';
import type { Kernel } from './kernel.js';
import { builtInResources } from './kinds/index.js';
import { peelToken, renderKubeconfig } from './kubeconfig.js';
import { NamespaceController } from './namespaces.js';
import { Objects } from './objects.js';
import { Registry } from './registry.js';
import { parseRequest } from './request-info.js';
import type { RequestInfo } from './request-info.js';
import { Storage } from './storage.js';

export interface EmbeddedApiServerOptions {
  /** @defaultValue 0, a free port */
  readonly port?: number;
  /** Users besides `admin`, who is in system:masters and has a random token. */
  readonly users?: readonly TokenUser[];
  /** Evaluate the stored roles and bindings. @defaultValue false: every authenticated user may do everything */
  readonly rbac?: boolean;
  /** Changes kept per resource; a watch or an exact list from before them answers 410. @defaultValue 10,000 */
  readonly history?: number;
  /** Milliseconds between the bookmarks of a watch that asked for them. @defaultValue 60,000 */
  readonly bookmarkInterval?: number;
  /** Accepted writes kept in the journal. @defaultValue 100,000 */
  readonly journal?: number;
  /** Collect the dependents of objects that are gone, and empty terminating namespaces. @defaultValue true */
  readonly controllers?: boolean;
  readonly now?: () => Date;
  /** Numbers in [0, 1), for uids and names that repeat. @defaultValue cryptographic randomness */
  readonly random?: () => number;
  /** Called before each request is looked at: may delay it, or answer in the server's place. */
  readonly intercept?: Intercept;
}

export type InterceptedRequest = RequestInfo & Pick<IncomingMessage, 'headers'> & { readonly body: Buffer };
export type Intercept = (request: InterceptedRequest) => Promise<void | ApiResponse> | void | ApiResponse;

export interface KubeconfigOptions {
  /** @defaultValue 'admin' */
  readonly user?: string;
  /** @defaultValue the user's own */
  readonly token?: string;
  readonly namespace?: string;
}

const loopback = '127.0.0.1';
/** A watcher that lets this many bytes pile up is cut, as a real API server does. */
const slowWatcherBytes = 64 * 1024 * 1024;
const largestBody = 3 * 1024 * 1024;

export class EmbeddedApiServer {
  readonly adminToken: string;
  readonly #kernel: Kernel;
  readonly #journal: Journal;
  readonly #dispatcher: Dispatcher;
  readonly #intercept: Intercept | undefined;
  readonly #stopControllers: readonly (() => void)[];
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<ServerResponse>();
  #http: Server | undefined;
  #port: number;

  private constructor(options: EmbeddedApiServerOptions) {
    const environment = createEnvironment({ now: options.now, random: options.random });
    this.#journal = new Journal(environment, options.journal ?? 100_000);
    this.#kernel = createKernel(options, environment, this.#journal);
    this.#dispatcher = new Dispatcher(this.#kernel);
    this.#intercept = options.intercept;
    this.#port = options.port ?? 0;
    this.adminToken = environment.token(32);
    this.addUser({ name: 'admin', token: this.adminToken, groups: ['system:masters'] });
    for (const user of options.users ?? []) this.addUser(user);
    this.#stopControllers = startControllers(this.#kernel, options.controllers ?? true);
    bootstrap(this.#kernel);
  }

  /** Serves as soon as the promise resolves. @throws the error of `listen` if the port is taken */
  static async start(options: EmbeddedApiServerOptions = {}): Promise<EmbeddedApiServer> {
    const server = new EmbeddedApiServer(options);
    await server.#listen();
    return server;
  }

  /** Listens nowhere: {@link handle} is the only way to it. For tests in which nothing may take real time. */
  static inProcess(options: EmbeddedApiServerOptions = {}): EmbeddedApiServer {
    return new EmbeddedApiServer(options);
  }

  /** Answers one request without a socket, as the admin unless a header says otherwise. Never throws. */
  async handle({ method, url, headers = {}, body = '' }: DirectRequest): Promise<DirectResponse> {
    const authorization = `Bearer ${this.adminToken}`;
    const request = {
      ...parseRequest(method, url),
      headers: { authorization, ...headers },
      body: Buffer.from(body),
    };
    const answer = (await this.#intercept?.(request)) ?? (await this.#dispatcher.answer(request));
    return isStream(answer) ? { status: 200, headers: {}, body: chunksOf(answer) } : direct(answer);
  }

  get url(): string {
    return `http://${loopback}:${this.#port}`;
  }

  /** The accepted writes in the order of their commits; the oldest are dropped when there are too many. */
  get journal(): readonly JournalEntry[] {
    return this.#journal.entries;
  }

  /** The revision of the last write. */
  get revision(): number {
    return this.#kernel.storage.revision;
  }

  /** Called right after each accepted write. The result ends it. */
  onWrite(listener: JournalListener): () => void {
    return this.#journal.onWrite(listener);
  }

  addUser(user: TokenUser): void {
    this.#kernel.authenticator.add(user);
  }

  /** The text of a kubeconfig for a user of this server. @throws Error for a user without a token */
  kubeconfig({ user = 'admin', token, namespace }: KubeconfigOptions = {}): string {
    const known = token ?? this.#kernel.authenticator.tokenOf(user);
    if (known === undefined)
      throw new Error(`the embedded API server has no user ${user}: add it, or give a token`);
    return renderKubeconfig({ server: this.url, user, token: known, namespace });
  }

  /** Writes a kubeconfig that only its owner may read. */
  async writeKubeconfig(path: string, options: KubeconfigOptions = {}): Promise<void> {
    await writeFile(path, this.kubeconfig(options), { mode: 0o600 });
    // The mode above is for new files only.
    await chmod(path, 0o600);
  }

  /** Forgets the history: a watch from a version before now answers 410, open watches go on. */
  compact(): void {
    this.#kernel.storage.compact();
  }

  /** Cuts connections without a word: those of open watches, or all of them. */
  dropConnections({ watches = false }: { readonly watches?: boolean } = {}): void {
    const sockets = watches ? [...this.#watches].map((response) => response.socket) : [...this.#sockets];
    for (const socket of sockets) socket?.destroy();
  }

  /** The server goes away and comes back on the same port with the same data. */
  async restart(): Promise<void> {
    await this.#close();
    await this.#listen();
  }

  /** Cuts all connections and frees the port; nothing keeps the process alive after it. */
  async stop(): Promise<void> {
    for (const stop of this.#stopControllers) stop();
    await this.#close();
  }

  async #listen(): Promise<void> {
    const http = createServer((request, response) => void this.#serve(request, response));
    http.requestTimeout = 0;
    http.keepAliveTimeout = 0;
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(this.#port, loopback, () => {
        http.off('error', reject);
        resolve();
      });
    });
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
  }

  async #close(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    if (http === undefined) return;
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    this.dropConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const body = await readBody(incoming);
      if (body === undefined) return this.#send(outgoing, bodyTooLarge());
      const request = { ...identify(incoming), body };
      const intercepted = await this.#intercept?.(request);
      this.#send(outgoing, intercepted ?? (await this.#dispatcher.answer(request)));
    } catch {
      // The client is gone: there is nobody to answer.
      outgoing.destroy();
    }
  }

  #send(outgoing: ServerResponse, response: AnyResponse): void {
    if (outgoing.destroyed) return;
    if (isStream(response)) return this.#stream(outgoing, response);
    for (const [name, value] of Object.entries(response.headers ?? {})) {
      outgoing.setHeader(name, typeof value === 'string' ? value : [...value]);
    }
    outgoing.setHeader('audit-id', this.#kernel.environment.uuid());
    outgoing.setHeader('cache-control', 'no-cache, private');
    outgoing.statusCode = response.status;
    outgoing.end(response.body);
  }

  #stream(outgoing: ServerResponse, { stream }: StreamResponse): void {
    outgoing.writeHead(200, { 'content-type': stream.contentType, 'cache-control': 'no-cache, private' });
    outgoing.flushHeaders();
    this.#watches.add(outgoing);
    const sink = new ResponseSink(outgoing);
    const stop = stream.start(sink);
    sink.flow();
    outgoing.once('close', () => {
      this.#watches.delete(outgoing);
      stop();
    });
  }
}

/** What is asked, and by whom: a token may stand in front of the path. */
function identify({ method = 'GET', url = '/', headers }: IncomingMessage): Omit<InterceptedRequest, 'body'> {
  const peeled = peelToken(url);
  if (peeled === undefined) return { ...parseRequest(method, url), headers };
  const authorization = headers.authorization ?? `Bearer ${peeled.token}`;
  return { ...parseRequest(method, peeled.url), headers: { ...headers, authorization } };
}

/** Collects what a watch begins with into one write; after {@link flow} each event goes out as it comes. */
class ResponseSink implements Sink {
  readonly #outgoing: ServerResponse;
  #first: Buffer[] | undefined = [];
  #ended = false;

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
  }

  write(chunk: Buffer): void {
    if (this.#first !== undefined) this.#first.push(chunk);
    else if (this.#outgoing.writableLength > slowWatcherBytes) this.#outgoing.destroy();
    else this.#outgoing.write(chunk);
  }

  end(): void {
    this.#ended = true;
    if (this.#first === undefined) this.#outgoing.end();
  }

  flow(): void {
    const first = Buffer.concat(this.#first ?? []);
    this.#first = undefined;
    if (first.length > 0) this.#outgoing.write(first);
    if (this.#ended) this.#outgoing.end();
  }
}

function createKernel(options: EmbeddedApiServerOptions, environment: Environment, journal: Journal): Kernel {
  const storage = new Storage(options.history ?? 10_000);
  const registry = new Registry(builtInResources());
  const objects = new Objects(storage, environment, journal);
  return {
    environment,
    storage,
    registry,
    objects,
    deletion: new Deletion(objects, environment),
    authenticator: new Authenticator(environment),
    authorizer: new Authorizer(storage, options.rbac ?? false),
    bookmarkInterval: options.bookmarkInterval ?? 60_000,
  };
}

function startControllers(kernel: Kernel, all: boolean): readonly (() => void)[] {
  const definitions = new DefinitionController(kernel).start();
  if (!all) return [definitions];
  return [definitions, new GarbageCollector(kernel).start(), new NamespaceController(kernel).start()];
}

/** Undefined if there is more than fits; the rest is read all the same, so that the client hears the answer. */
async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= largestBody) chunks.push(chunk);
  }
  return length > largestBody ? undefined : Buffer.concat(chunks);
}

function bodyTooLarge(): ApiResponse {
  const { status } = tooLarge(`limit is ${largestBody}`);
  return {
    status: status.code,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(status),
  };
}
