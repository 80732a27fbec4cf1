import type { Page } from './http-server.js';

/** What is wrong, in a sentence, or undefined. */
export type Check = () => string | undefined;

/** 200 if every check passes, else 503 and what is wrong, a sentence a line. */
export function healthPage(checks: readonly Check[]): Page {
  const faults = checks.map((check) => check()).filter((fault) => fault !== undefined);
  return faults.length === 0
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: `${faults.join('\n')}\n` };
}
