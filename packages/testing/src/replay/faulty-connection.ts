import { type Clock, Connection, RequestError, sleep } from '@incumbent/core';
import type { DirectResponse } from '../api-server/direct.js';
import type { EmbeddedApiServer } from '../api-server/server.js';
import { type Fault, FAULTS } from './fault.js';
import type { Story } from './story.js';

type Request = Parameters<Connection['send']>[0];
type Response = Awaited<ReturnType<Connection['send']>>;

export interface FaultyConnectionOptions {
  readonly server: EmbeddedApiServer;
  readonly clock: Clock;
  readonly story: Story;
  /** The fault that is due at the operator's next write, if any. Counts the write. */
  readonly next: () => Fault | undefined;
  readonly onCrash: () => void;
  readonly onLostTerm: () => void;
}

/** Milliseconds for which a cache stays behind. Shorter than most resyncs, much longer than a reconcile. */
const STALE = 20_000;

/** An operator's way to a server in the same process, on which one write of the run goes wrong. */
export class FaultyConnection extends Connection {
  readonly #options: FaultyConnectionOptions;
  readonly #streams = new Set<Stream>();
  #dead = false;
  #staleUntil = 0;

  constructor(options: FaultyConnectionOptions) {
    const credentials = { current: () => Promise.resolve({ headers: {}, tls: {} }) };
    super({ server: 'http://replay', clock: options.clock, credentials });
    this.#options = options;
  }

  /** From now on nothing is sent and nothing is answered: what waits for an answer waits for ever, as code does that runs no more. */
  kill(): void {
    this.#dead = true;
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  override async send(request: Request): Promise<Response> {
    request.authority?.assertHeld();
    await Promise.resolve();
    if (this.#dead) return silence();
    if (request.signal?.aborted) throw failure(request, 'aborted', false);
    if (request.method === 'GET') return this.#deliver(request);
    const fault = isRemark(request) ? undefined : this.#options.next();
    if (fault) this.#options.story.tell(`FAULT at write ${fault.write}: ${FAULTS[fault.kind]}`);
    return this.#strike(fault, request);
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  async #strike(fault: Fault | undefined, request: Request): Promise<Response> {
    const { onLostTerm, clock } = this.#options;
    switch (fault?.kind) {
      case undefined:
        return this.#deliver(request);
      case 'crashBefore':
        return this.#crash();
      case 'crashAfter':
        await this.#deliver(request);
        return this.#crash();
      case 'lostAnswer':
        await this.#deliver(request);
        throw failure(request, 'the answer was lost', true);
      case 'conflict':
        return refusal(409, 'Conflict', 'the object has been modified');
      case 'tooMany':
        return refusal(429, 'TooManyRequests', 'slow down', { 'retry-after': '1' });
      case 'unavailable':
        return refusal(503, 'ServiceUnavailable', 'the server is not ready');
      case 'lostTermBefore':
        onLostTerm();
        return this.#deliver(request);
      case 'lostTermAfter': {
        const response = await this.#deliver(request);
        onLostTerm();
        return response;
      }
      case 'staleCache':
        this.#staleUntil = clock.monotonic() + STALE;
        return this.#deliver(request);
      case 'droppedWatches': {
        for (const stream of this.#streams) stream.broken = true;
        const response = await this.#deliver(request);
        for (const stream of this.#streams) stream.wake();
        return response;
      }
    }
  }

  #crash(): Promise<Response> {
    this.kill();
    this.#options.onCrash();
    return silence();
  }

  async #deliver(request: Request): Promise<Response> {
    // As at the socket: what was lost meanwhile is refused.
    request.authority?.assertHeld();
    const { server, story } = this.#options;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) query.set(name, value);
    const url = query.size > 0 ? `${request.path}?${query.toString()}` : request.path;
    const headers = { accept: 'application/json', ...request.headers };
    const answer = await server.handle({ method: request.method, url, headers, body: request.body ?? '' });
    if (this.#dead) return silence();
    if (request.method !== 'GET' && !isRemark(request))
      story.tell(`${request.method} ${request.path}: ${answer.status}`);
    return request.stream && answer.status === 200 ? this.#stream(request, answer) : whole(answer);
  }

  #stream({ signal, ...request }: Request, { body, headers }: DirectResponse): Response {
    const stream = new Stream(body, signal);
    this.#streams.add(stream);
    const chunks = this.#chunks(stream, { ...request, signal });
    return { status: 200, headers, body: chunks, text: () => Promise.resolve('') };
  }

  async *#chunks(stream: Stream, request: Request): AsyncGenerator<Buffer> {
    const { clock } = this.#options;
    try {
      for (;;) {
        const chunk = await stream.next();
        const behind = this.#staleUntil - clock.monotonic();
        if (behind > 0 && chunk) await sleep(clock, behind, request.signal);
        if (request.signal?.aborted || stream.broken) throw failure(request, 'the watch broke', true);
        if (!chunk) return;
        yield chunk;
      }
    } finally {
      this.#streams.delete(stream);
      stream.close();
    }
  }
}

/** What a watch brings, until it ends, breaks, or its reader loses interest. */
class Stream {
  broken = false;
  wake: () => void = () => {};
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #signal: AbortSignal | undefined;
  #pending: Promise<IteratorResult<Buffer>> | undefined;

  constructor(body: AsyncIterable<Buffer>, signal: AbortSignal | undefined) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = (): void => this.wake();

  /** `undefined` at the end, or when something else happened to the stream. */
  async next(): Promise<Buffer | undefined> {
    if (this.broken || this.#signal?.aborted) return undefined;
    this.#pending ??= this.#chunks.next();
    const woken = new Promise<undefined>((resolve) => (this.wake = () => resolve(undefined)));
    const result = await Promise.race([this.#pending, woken]);
    if (!result) return undefined;
    this.#pending = undefined;
    return result.done ? undefined : result.value;
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    void this.#chunks.return?.();
  }
}

/** Events are remarks on what happens, not part of it. */
function isRemark({ path }: Request): boolean {
  return /\/events(\/[^/]+)?$/.test(path);
}

function failure({ method, path }: Request, what: string, sent: boolean): RequestError {
  return new RequestError('REQUEST_FAILED', `${method} ${path}: ${what}.`, sent);
}

function refusal(
  code: number,
  reason: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const text = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
  return { status: code, headers, body: once(text), text: () => Promise.resolve(text) };
}

function whole({ status, headers, body }: DirectResponse): Response {
  return { status, headers, body, text: () => textOf(body) };
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

function silence(): Promise<never> {
  return new Promise(() => {});
}
