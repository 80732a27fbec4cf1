import type { LogFields, Logger } from '@incumbent/core/client';
import type { Output } from '../terminal/output.js';

/** What went wrong, in words, on standard error. The rest is told by events. */
export function warningsTo(output: Output): Logger {
  const nothing = (): void => {};
  const tell = (_: LogFields, message: string): void => void output.write(`incumbent: ${message}\n`);
  const log: Logger = {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: tell,
    error: tell,
    child: () => log,
  };
  return log;
}
