/** Requests and answers without sockets, for callers in the same process. */
import type { ApiResponse, StreamResponse } from './http-message.js';

export interface DirectRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface DirectResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a watch, the events until the server ends it or the reader stops reading. */
  readonly body: AsyncIterable<Buffer>;
}

export function direct({ status, headers = {}, body }: ApiResponse): DirectResponse {
  const flat = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    typeof value === 'string' ? value : value.join(', '),
  ]);
  return {
    status,
    headers: Object.fromEntries(flat) as Record<string, string>,
    body: once(Buffer.from(body)),
  };
}

async function* once(chunk: Buffer): AsyncGenerator<Buffer> {
  yield chunk;
}

/** The stream starts with its first reader, and stops when that one stops. */
export async function* chunksOf({ stream }: StreamResponse): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let ended = false;
  let wake = (): void => {};
  const news = (act: () => void) => (): void => {
    act();
    wake();
  };
  const stop = stream.start({
    write: (chunk) => news(() => waiting.push(chunk))(),
    end: news(() => (ended = true)),
  });
  try {
    for (;;) {
      yield* waiting.splice(0);
      if (ended && waiting.length === 0) return;
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
  }
}
