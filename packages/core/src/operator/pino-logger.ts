import pino from 'pino';
import { isLogLevel, LogLevelSwitch } from '../kit/log-level.js';
import type { Logger } from '../kit/logger.js';

/** JSON lines on standard output. What of them is written {@link LogLevelSwitch} decides. */
export function pinoLogger(name: string): Logger {
  return pino({ name, level: 'trace', timestamp: pino.stdTimeFunctions.isoTime });
}

/** A pino logger that writes at every level, and the level that it had: so that it can be turned up while the program runs. */
export function opened(log: Logger): { readonly log: Logger; readonly levels: LogLevelSwitch } {
  if (!isPino(log)) return { log, levels: new LogLevelSwitch('trace') };
  const levels = new LogLevelSwitch(isLogLevel(log.level) ? log.level : 'info');
  return { log: log.child({}, { level: 'trace' }), levels };
}

function isPino(log: Logger): log is pino.Logger & Logger {
  return 'level' in log && typeof log.level === 'string' && 'bindings' in log;
}
