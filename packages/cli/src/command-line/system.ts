import type { Clock, ConnectOptions, Connection, Random } from '@incumbent/core/client';
import type { Guardians } from '../guard/channel.js';
import type { Moment } from '../guardian/protocol.js';
import type { Output } from '../terminal/output.js';

/** SIGPIPE: nobody reads our output any more. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGPIPE';

/** All that a command has of the process it runs in. */
export interface System {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  /** The clocks that guardians read too. */
  readonly moment: () => Moment;
  readonly connect: (options: ConnectOptions) => Promise<Connection>;
  readonly guardians: Guardians;
  /** Calls `listener` for each signal until the function that it returns is called. Nothing else happens on a signal meanwhile. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
  /** Ends the process, whatever it is doing. */
  readonly exit: (status: number) => void;
}
