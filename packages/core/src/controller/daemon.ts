/** Daemons: a call for each object that lasts as long as the object does. */
import { type DeepReadonly, formatKey, type KubernetesObject, keyOf, parseKey } from '../api/object.js';
import { aborted, LinkedAbort } from '../kit/abort.js';
import { formatDuration } from '../kit/duration.js';
import { IncumbentError } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import { nextTurn, sleep } from '../kit/sleep.js';
import type { Term } from '../leadership/authority.js';
import { CacheView } from './cache-view.js';
import type { ControllerRuntime } from './controller-runtime.js';
import { DaemonCalls } from './daemon-calls.js';
import { type ControllerDefinition, type MethodDefinition, nameOf } from './definition.js';
import { finalizerStep } from './finalizer.js';
import { drain, type Work } from './work.js';

/** Milliseconds. */
const LONGEST_TURN = 10;

/** An object that has its daemon, from the first call to the end of the last. */
interface Attendance {
  readonly uid: string;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Runs one daemon for all objects of a controller, one term after the other.
 *
 * Guarantees: within a term every object that is not being deleted, and carries the controller's finalizer if there is one, gets its
 * daemon; never two at once, not across terms either, nor for an object and the one that takes its name after it.
 * Assumes: its informers have synced before the first {@link run}, and runs don't overlap.
 */
export class DaemonWork<T extends KubernetesObject = KubernetesObject> implements Work {
  readonly name: string;
  readonly #definition: ControllerDefinition<T>;
  readonly #runtime: ControllerRuntime;
  readonly #log: Logger;
  readonly #view: CacheView;
  readonly #calls: DaemonCalls<T>;
  /** By key. Those of earlier terms that ignore their signal are among them. */
  readonly #attendances = new Map<string, Attendance>();
  /** Uids, by key, of objects whose daemon is done for this term. */
  readonly #done = new Map<string, string>();
  /** Set while a term lasts. */
  #term: Term | undefined;

  /** Asks for its informers, so it is made before the cache runs. */
  constructor(definition: ControllerDefinition<T>, daemon: MethodDefinition<T>, runtime: ControllerRuntime) {
    this.name = nameOf(definition, daemon);
    this.#definition = definition;
    this.#runtime = runtime;
    this.#log = runtime.log.child({ daemon: daemon.method, controller: this.name });
    this.#view = new CacheView(runtime.cache, definition as unknown as ControllerDefinition);
    this.#calls = new DaemonCalls({ definition, daemon, runtime, view: this.#view });
    const look = (object: DeepReadonly<T>): void =>
      this.#look(formatKey(keyOf(object as DeepReadonly<KubernetesObject>)));
    for (const informer of this.#view.informersOf(definition.resource))
      informer.addHandler({ added: look, updated: (_before, after) => look(after), deleted: look });
  }

  async run(term: Term, stopping?: AbortSignal): Promise<void> {
    using ending = new LinkedAbort(term.signal, stopping);
    const { clock, gracePeriod: grace } = this.#runtime;
    this.#log.info({ term: term.number }, 'starting');
    this.#term = term;
    const starting = this.#attendAll(ending.signal);
    await aborted(ending.signal);
    this.#term = undefined;
    for (const { abort } of this.#attendances.values()) abort.abort(ending.signal.reason);
    await starting;
    const calls = Promise.all([...this.#attendances.values()].map(({ ended }) => ended));
    const overstaying = (): string[] => this.#calls.overstaying(0);
    await drain(calls, { term, clock, log: this.#log, grace, overstaying });
    this.#done.clear();
    this.#log.info({ term: term.number }, 'stopped');
  }

  notLive(): string | undefined {
    const { gracePeriod } = this.#runtime;
    const keys = this.#calls.overstaying(gracePeriod);
    if (keys.length === 0) return undefined;
    return `${this.name}: the daemon of ${keys.join(', ')} still runs more than ${formatDuration(gracePeriod)} after it was told to end: it ignores its signal.`;
  }

  /**
   * Tells the object's daemon to end, and waits until it has, for as long as the grace period.
   *
   * @throws {@link IncumbentError} `DAEMON_OVERSTAYS` when it goes on
   */
  async end(key: string, signal: AbortSignal): Promise<void> {
    const attendance = this.#attendances.get(key);
    if (!attendance) return;
    this.#tellToEnd(key, attendance);
    const { clock, gracePeriod } = this.#runtime;
    using over = new LinkedAbort(signal);
    // One that had its time has had it: who waits for it has other things to do.
    const rest = this.#calls.overstaying(gracePeriod).includes(key) ? 0 : gracePeriod;
    await Promise.race([attendance.ended.then(() => over.abort()), sleep(clock, rest, over.signal)]);
    if (this.#attendances.get(key) !== attendance) return;
    throw new IncumbentError(
      'DAEMON_OVERSTAYS',
      `The daemon ${this.name} of ${key} has not ended: it ignores its signal. Nothing is cleaned up beside it.`,
    );
  }

  async #attendAll(signal: AbortSignal): Promise<void> {
    const { clock } = this.#runtime;
    let turn = clock.monotonic();
    for (const object of this.#view.list(this.#definition.resource)) {
      if (signal.aborted) return;
      this.#look(formatKey(keyOf(object as DeepReadonly<KubernetesObject>)));
      // The call starts, up to where it first waits.
      await Promise.resolve();
      if (clock.monotonic() - turn < LONGEST_TURN) continue;
      await nextTurn(clock);
      turn = clock.monotonic();
    }
  }

  /** Brings the object's daemon in step with the object: started, told to end, or left as it is. */
  #look(key: string): void {
    const term = this.#term;
    if (!term) return;
    const uid = this.#attended(key)?.metadata.uid;
    const attendance = this.#attendances.get(key);
    if (attendance && attendance.uid !== uid) this.#tellToEnd(key, attendance);
    // It looks again when it has ended.
    if (attendance) return;
    if (this.#done.get(key) !== uid) this.#done.delete(key);
    if (uid !== undefined && !this.#done.has(key)) this.#attend(key, uid, term);
  }

  #attend(key: string, uid: string, term: Term): void {
    const abort = new AbortController();
    const ended = this.#calls.keepCalling({ key, term, signal: abort.signal }).then((done) => {
      this.#attendances.delete(key);
      if (done) this.#done.set(key, uid);
      this.#look(key);
    });
    this.#attendances.set(key, { uid, abort, ended });
  }

  #tellToEnd(key: string, { abort }: Attendance): void {
    const { kind } = this.#definition.resource;
    abort.abort(
      new IncumbentError('DAEMON_ENDED', `${kind} ${key} is being deleted, or is not there any more.`),
    );
  }

  /** The object, if it is to have a daemon. */
  #attended(key: string): DeepReadonly<KubernetesObject> | undefined {
    const { resource, finalizer } = this.#definition;
    const object = this.#view.get(resource, parseKey(key)) as DeepReadonly<KubernetesObject> | undefined;
    return object && finalizerStep(object, finalizer?.name) === 'reconcile' ? object : undefined;
  }
}
