/** What the two threads of an election say to each other. Whatever must hold without an answer is in shared memory instead. */
import type {
  ConnectOptions,
  Labels,
  LeadershipState,
  Lease,
  LogFields,
  Logger,
  MetricOptions,
} from '@incumbent/core/client';
import type { ElectionOptions } from '../elector/options.js';

/** What the thread is started with. */
export interface ThreadData {
  /** Namespace and identity are decided. */
  readonly election: ElectionOptions & { readonly namespace: string; readonly identity: string };
  readonly connect: Omit<ConnectOptions, 'clock'>;
  /** Address that the thread must come to by itself; undefined: whatever `connect` says. */
  readonly server: string | undefined;
  /** Milliseconds. */
  readonly mainThreadLimit: number;
  /** Memory of a {@link Pulse}. */
  readonly pulse: SharedArrayBuffer;
}

export type ToThread =
  /** End the candidacy: release when the work has ended. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'stepDown'; readonly heir: string | undefined }
  /** Writes that are not answered may take effect until then, on the clock of the process. Said before `ended`. */
  | { readonly kind: 'unsettled'; readonly until: number }
  /** Those writes are all answered. */
  | { readonly kind: 'settled' }
  /** The work of the term has ended. Until this is said the thread neither releases nor campaigns. */
  | { readonly kind: 'ended' };

export interface Won {
  readonly kind: 'won';
  readonly number: number;
  readonly token: string;
  /** Memory of a {@link SharedTerm}. */
  readonly memory: SharedArrayBuffer;
}

export type FromThread =
  | { readonly kind: 'observed'; readonly state: Pick<LeadershipState, 'phase' | 'leader' | 'term'> }
  | { readonly kind: 'health'; readonly notReady: string | undefined }
  | Won
  /** The work is asked to end; whether the term is over, too, its memory says. */
  | { readonly kind: 'ending' }
  /** The thread can't work, and ends. */
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
  /** The candidacy has ended in good order. */
  | { readonly kind: 'stopped' }
  | Report;

/** What the thread would have told its own logger, metrics and Events. */
export type Report =
  | {
      readonly kind: 'log';
      readonly level: Exclude<keyof Logger, 'child'>;
      readonly fields: LogFields;
      readonly message: string;
    }
  | {
      readonly kind: 'metric';
      readonly metric: 'counter' | 'gauge' | 'histogram';
      readonly options: MetricOptions;
      readonly verb: 'inc' | 'set' | 'add' | 'observe' | 'remove';
      readonly value: number;
      readonly labels: Labels;
    }
  | {
      readonly kind: 'event';
      readonly lease: Pick<Lease, 'metadata'>;
      readonly type: 'normal' | 'warning';
      readonly reason: string;
      readonly note: string;
    };
