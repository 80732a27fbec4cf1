/** What a fault is to the proxy: an object with the hooks where it may strike, and a count of how often it did. */

export type Direction = 'client-to-server' | 'server-to-client';

/** A request as the proxy sees it, before it is passed on. */
export interface SeenRequest {
  readonly method: string;
  /** With the query, as the client wrote it. */
  readonly path: string;
  readonly isWatch: boolean;
}

export interface FaultAnswer {
  readonly do: 'answer';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Instead of passing it on: answer it, reset the client's connection, or say nothing for as long as the client waits. */
export type RequestVerdict = FaultAnswer | { readonly do: 'reset' } | { readonly do: 'silence' };
export type ResponseVerdict = { readonly do: 'reset' } | { readonly do: 'silence' };
/** End the watch here; `midLine`: after half of the event. */
export interface EventVerdict {
  readonly do: 'cut';
  readonly midLine: boolean;
}

/**
 * Something that goes wrong on purpose while it is in {@link FaultProxy.use | use}.
 *
 * Hooks that wait end early when `lifted` is aborted: the fault was lifted, or the proxy stopped.
 */
export abstract class Fault {
  /** Strikes at requests, responses or events, which the proxy sees at the HTTP level only. */
  readonly needsHttp: boolean = false;
  readonly refusesConnections: boolean = false;
  #strikes = 0;

  /** How often it has struck so far. What the kernel refuses is not seen, and not counted. */
  get strikes(): number {
    return this.#strikes;
  }

  protected struck(): void {
    this.#strikes += 1;
  }

  /** True: this new connection is accepted and never served. */
  takesConnection(): boolean {
    return false;
  }

  /** Milliseconds by which the next bytes are late. */
  delayOf(_direction: Direction): number {
    return 0;
  }

  /** True: bytes of this direction are kept back for now. */
  holds(_direction: Direction): boolean {
    return false;
  }

  /** Asked for each chunk that {@link holds} keeps back, once. */
  noteHeld(): void {
    this.struck();
  }

  async onRequest(_request: SeenRequest, _lifted: AbortSignal): Promise<RequestVerdict | undefined> {
    return undefined;
  }

  /** The server has answered completely; nothing of it has reached the client. */
  interceptsResponse(_request: SeenRequest): boolean {
    return false;
  }

  async onResponse(_request: SeenRequest, _lifted: AbortSignal): Promise<ResponseVerdict | undefined> {
    return undefined;
  }

  async onWatchEvent(_request: SeenRequest, _lifted: AbortSignal): Promise<EventVerdict | undefined> {
    return undefined;
  }
}
