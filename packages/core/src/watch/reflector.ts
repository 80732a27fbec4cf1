/** List and watch as one stream that resumes: what is on the server, then every change of it, whatever happens in between. */
import type { KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { Reader, SelectorOptions, WatchEvent } from '../client/reader.js';
import { BackOff } from '../kit/back-off.js';
import type { Clock } from '../kit/clock.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import type { Random } from '../kit/random.js';
import { sleep } from '../kit/sleep.js';
import {
  initialState,
  type Listing,
  type ReflectorEvent,
  type ReflectorInput,
  type ReflectorState,
  step,
  type Watching,
} from './reflector-state.js';

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  readonly selector?: SelectorOptions | undefined;
  /** Objects per page of a list; 0 asks for all at once. @defaultValue 500, as client-go */
  readonly pageSize?: number | undefined;
  /** Milliseconds without a byte after which a watch counts as dead. @defaultValue 90,000: bookmarks come once a minute */
  readonly idleTimeout?: number | undefined;
  readonly log?: Logger | undefined;
}

/** Milliseconds. The numbers of client-go's reflector; jitter doubles each delay at most. */
const BACK_OFF = { start: 800, cap: 30_000, factor: 2, jitter: 1 };
/** Seconds that a watch is asked to live, spread so that a fleet doesn't reopen at once. Below the 240 s after which load balancers cut. */
const WATCH_LIFE = { from: 150, to: 230 };

/**
 * Follows the objects of one resource.
 *
 * Guarantees: the listener that applies all events has, in the end, what the server has. A version that expired is listed anew at once;
 * a watch that ends goes on from its last version; failures back off from 0.8 s to 30 s (up to twice that by jitter), and from the start
 * again after a calm minute.
 * Assumes: the reader's watch ends, by an error or in good order, once its signal has aborted.
 * Errors: none. They come as `failed` events; only the signal ends {@link run}.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #log: Logger;
  readonly #pageSize: number;
  readonly #idleTimeout: number;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    this.#pageSize = options.pageSize ?? 500;
    this.#idleTimeout = options.idleTimeout ?? 90_000;
  }

  /** Lists and watches until `signal` aborts. `listener` is called in order, never after that; what it throws is logged. */
  async run(signal: AbortSignal, listener: (event: ReflectorEvent<T>) => void): Promise<void> {
    let state: ReflectorState<T> = initialState(new BackOff(BACK_OFF, this.#options.random));
    const advance = (input: ReflectorInput<T>): ReflectorState<T> => {
      const next = step(state, input, this.#options.clock.monotonic());
      state = next.state;
      if (next.emit) this.#tell(listener, next.emit);
      return state;
    };
    while (!signal.aborted) await this.#act(state, signal, advance);
  }

  /** Does what the state asks for until it is another, or the signal aborts. */
  async #act(
    state: ReflectorState<T>,
    signal: AbortSignal,
    advance: (input: ReflectorInput<T>) => ReflectorState<T>,
  ): Promise<void> {
    if (state.phase === 'watching') return this.#watch(state, signal, advance);
    const input =
      state.phase === 'listing' ? await this.#list(state, signal) : await this.#wait(state.delay, signal);
    if (!signal.aborted) advance(input);
  }

  async #list(state: Listing<T>, signal: AbortSignal): Promise<ReflectorInput<T>> {
    const { reader, resource, selector } = this.#options;
    try {
      const list = await reader.list(resource, {
        ...selector,
        ...(state.paged && this.#pageSize > 0 && { limit: this.#pageSize }),
        ...(state.token && { continue: state.token }),
        signal,
      });
      return { type: 'listed', list };
    } catch (error) {
      return { type: 'failed', error };
    }
  }

  async #wait(delay: number, signal: AbortSignal): Promise<ReflectorInput<T>> {
    await sleep(this.#options.clock, delay, signal);
    return { type: 'waited' };
  }

  /** One watch from its opening to its end. By hand, not `for await`: what is thrown while an event is handled is no failure of the watch. */
  async #watch(
    state: Watching,
    signal: AbortSignal,
    advance: (input: ReflectorInput<T>) => ReflectorState<T>,
  ): Promise<void> {
    let events: AsyncIterator<WatchEvent<T>> | undefined;
    let input: ReflectorInput<T> = { type: 'ended' };
    let phase: ReflectorState<T>['phase'] = 'watching';
    do {
      try {
        events ??= this.#open(state, signal);
        const next = await events.next();
        input = next.done ? { type: 'ended' } : { type: 'event', event: next.value };
      } catch (error) {
        input = { type: 'failed', error };
      }
      if (signal.aborted) break;
      phase = advance(input).phase;
    } while (input.type === 'event' && phase === 'watching');
    if (input.type === 'event') await this.#close(events);
  }

  #open(state: Watching, signal: AbortSignal): AsyncIterator<WatchEvent<T>> {
    const { reader, resource, selector, random } = this.#options;
    const stream = reader.watch(resource, {
      ...selector,
      resourceVersion: state.version,
      timeoutSeconds: Math.floor(WATCH_LIFE.from + random.next() * (WATCH_LIFE.to - WATCH_LIFE.from)),
      idleTimeout: this.#idleTimeout,
      signal,
    });
    return stream[Symbol.asyncIterator]();
  }

  async #close(events: AsyncIterator<WatchEvent<T>> | undefined): Promise<void> {
    try {
      await events?.return?.();
    } catch (error) {
      this.#log.debug({ err: error }, 'a watch that is no longer wanted failed to close');
    }
  }

  #tell(listener: (event: ReflectorEvent<T>) => void, event: ReflectorEvent<T>): void {
    try {
      listener(event);
    } catch (error) {
      this.#log.error({ err: error, event: event.type }, 'the listener of a reflector threw');
    }
  }
}
