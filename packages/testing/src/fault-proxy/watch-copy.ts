/** Copies a watch from the target to the client, event by event, so that faults can strike one of them. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActiveFaults } from './active-faults.js';
import type { EventVerdict, SeenRequest } from './fault.js';

/** Rejects if the target breaks off, as the client's connection should then. */
export async function copyWatch(
  seen: SeenRequest,
  answer: IncomingMessage,
  response: ServerResponse,
  faults: ActiveFaults,
): Promise<void> {
  const isText = answer.headers['content-type']?.includes('json') ?? false;
  for await (const event of isText ? lines(answer) : (answer as AsyncIterable<Buffer>)) {
    const verdict = await strike(seen, faults);
    if (verdict) return cut(event, verdict, answer, response);
    if (response.destroyed) return;
    if (!response.write(event)) await drained(response);
  }
  response.end();
}

/** Or closed. Whichever comes first, no listener stays for the other. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    over.abort();
  }
}

async function strike(seen: SeenRequest, faults: ActiveFaults): Promise<EventVerdict | undefined> {
  for (const { fault, lifted } of faults.all()) {
    const verdict = await fault.onWatchEvent(seen, lifted);
    if (verdict) return verdict;
  }
  return undefined;
}

function cut(
  event: Buffer,
  { midLine }: EventVerdict,
  answer: IncomingMessage,
  response: ServerResponse,
): void {
  if (midLine) response.write(event.subarray(0, Math.ceil(event.length / 2)));
  answer.destroy();
  // Sends what was written, then ends: without the last chunk the client knows that something is missing.
  response.socket?.destroySoon();
}

/** With their line ends; what follows the last one comes at the end, if there is any. */
async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield rest;
}
