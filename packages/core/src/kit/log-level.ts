import type { LogFields, Logger } from './logger.js';

/** From most to least. `silent`: nothing at all. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** A level that can be turned while the program runs, for a logger and all its children, those that are there already included. */
export class LogLevelSwitch {
  level: LogLevel;

  constructor(level: LogLevel) {
    this.level = level;
  }

  /** A logger that passes on to `inner` what the level lets through. */
  over(inner: Logger): Logger {
    const passing =
      (level: Exclude<LogLevel, 'silent'>) =>
      (fields: LogFields, message: string): void => {
        if (LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.level)) inner[level](fields, message);
      };
    return {
      trace: passing('trace'),
      debug: passing('debug'),
      info: passing('info'),
      warn: passing('warn'),
      error: passing('error'),
      child: (fields) => this.over(inner.child(fields)),
    };
  }
}
