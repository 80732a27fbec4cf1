import { isLogLevel, LOG_LEVELS, type LogLevelSwitch } from '../kit/log-level.js';
import type { Handler } from './http-server.js';

/** Tells the log level, and turns it for those on this machine: `curl -X PUT -d debug localhost:8080/loglevel` through a forwarded port. */
export function logLevelPage(levels: LogLevelSwitch): { readonly GET: Handler; readonly PUT: Handler } {
  const tell = () => ({ status: 200, body: `${levels.level}\n` });
  return {
    GET: tell,
    PUT: ({ body, local }) => {
      if (!local)
        return { status: 403, body: 'From this pod only: forward its port, as with kubectl port-forward.\n' };
      const level = body.trim();
      if (!isLogLevel(level))
        return { status: 400, body: `"${level}" is no level: write one of ${LOG_LEVELS.join(', ')}.\n` };
      levels.level = level;
      return tell();
    },
  };
}
