import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from '../guardian/protocol.js';
import { isSessionAlive, signalSession } from '../guardian/session.js';

/** The way to a guardian. */
export interface Channel {
  send(order: Order): void;
  /** Ends the guardian without its having a say. */
  destroy(): void;
}

export interface ChannelListener {
  report(report: Report): void;
  /** The guardian has ended, or did not start. */
  closed(problem: string): void;
}

/** What is needed to run commands under guardians. */
export interface Guardians {
  start(listener: ChannelListener): Channel;
  signalSession(leader: number, signal: 'SIGKILL'): void;
  isSessionAlive(leader: number): boolean;
}

const PROGRAM = fileURLToPath(new URL('../guardian/main.js', import.meta.url));

/** `environment`: the guardian's own; the command's comes with the order to start it. */
export function guardianProcesses(environment: NodeJS.ProcessEnv): Guardians {
  // What the user preloads is for the command: the guardian is to start quickly, whatever happens.
  const { NODE_OPTIONS: _, ...plain } = environment;
  return { start: (listener) => startGuardian(plain, listener), signalSession, isSessionAlive };
}

function startGuardian(env: NodeJS.ProcessEnv, listener: ChannelListener): Channel {
  const guardian = fork(PROGRAM, [], {
    detached: true,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
    env,
  });
  guardian.on('message', (report: Report) => listener.report(report));
  guardian.on('error', (error) => listener.closed(error.message));
  guardian.on('exit', (code, signal) => {
    const close = (): void => listener.closed(`it ended with ${signal ?? code}`);
    // Its last report may still be on its way.
    if (guardian.connected) guardian.once('disconnect', close);
    else close();
  });
  return {
    // A guardian that can't be reached any more has ended, and that is told.
    send: (order) => void (guardian.connected && guardian.send(order, () => {})),
    destroy: () => void guardian.kill('SIGKILL'),
  };
}
