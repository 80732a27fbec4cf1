/** The operator: makes everything of its options, starts it in order, and stops it in order. */
import type { AddressInfo } from 'node:net';
import { type Observable, ReplaySubject } from 'rxjs';
import { LinkedAbort } from '../kit/abort.js';
import { IncumbentError } from '../kit/error.js';
import type { LogLevel } from '../kit/log-level.js';
import type { LeadershipState } from '../leadership/leadership.js';
import { assemble, type Plan } from './assembly.js';
import { type OperatorOptions, type ResolvedOperatorOptions, resolveOperatorOptions } from './options.js';
import { OperatorRun } from './operator-run.js';
import { listenToSignals } from './signals.js';
import { planAll, planRunnables } from './wiring.js';

export interface RunOptions {
  /** Stops the operator in order when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Process signals that stop the operator in order, such as `['SIGTERM', 'SIGINT']`. @defaultValue none */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** What a second of those signals does. @defaultValue it ends the process at once, as it would without us */
  readonly onSecondSignal?: ((signal: NodeJS.Signals) => void) | undefined;
}

export class Operator {
  readonly #options: ResolvedOperatorOptions;
  readonly #plan: Plan;
  readonly #leadership = new ReplaySubject<LeadershipState>(1);
  #ran = false;
  #run: OperatorRun | undefined;

  /**
   * @throws {@link IncumbentError} when it can't work: `OPERATOR_OPTIONS`, `CONTROLLER_INVALID` (without `@Controller`, or without `for`),
   * `CONTROLLER_DUPLICATE`, `RUNNABLE_INVALID`, `RUNNABLE_DUPLICATE`
   */
  constructor(options: OperatorOptions) {
    this.#options = resolveOperatorOptions(options);
    const { controllers, runnables, namespaces } = this.#options;
    this.#plan = { controllers: planAll(controllers, namespaces), runnables: planRunnables(runnables) };
  }

  /** Who leads, as this replica sees it. Replays the latest; completes when the operator has stopped. */
  get leadership$(): Observable<LeadershipState> {
    return this.#leadership.asObservable();
  }

  /** Least important lines that are logged. Takes effect at once, for everything that logs already too. */
  get logLevel(): LogLevel {
    return this.#options.levels.level;
  }

  set logLevel(level: LogLevel) {
    this.#options.levels.level = level;
  }

  /** Where health and metrics are served, once they are. */
  get address(): AddressInfo | undefined {
    return this.#run?.address;
  }

  /**
   * Runs until it is told to stop: servers, caches, then the controllers, wherever and whenever they may. Resolves when everything
   * has stopped. Can be called once. Ends the process never.
   *
   * @throws what keeps it from running, after everything has stopped: `CONTROLLER_UNRESOLVED` (a missing injection), `CONNECTION_CONFIG`,
   * `HTTP_LISTEN`, `CACHE_SYNC_TIMEOUT`, or an error of the leadership
   */
  async run({ signal, signals = [], onSecondSignal }: RunOptions = {}): Promise<void> {
    if (this.#ran) throw new IncumbentError('OPERATOR_RAN', 'An operator runs once: make another one.');
    this.#ran = true;
    using stop = new LinkedAbort(signal);
    using _listening = listenToSignals({ signals, onFirst: () => stop.abort(), onSecond: onSecondSignal });
    try {
      const parts = await assemble(this.#options, this.#plan);
      parts.leadership.state$.subscribe((state) => this.#leadership.next(state));
      this.#run = new OperatorRun(this.#options, parts);
      await this.#run.untilStopped(stop.signal);
    } finally {
      this.#leadership.complete();
    }
  }
}
