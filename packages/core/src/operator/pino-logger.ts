import pino from 'pino';
import type { Logger } from '../kit/logger.js';

/** JSON lines on standard output, from `info` up. */
export function pinoLogger(name: string): Logger {
  return pino({ name, level: 'info', timestamp: pino.stdTimeFunctions.isoTime });
}
