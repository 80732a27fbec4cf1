/** List and watch as one stream that resumes: what is on the server, then every change of it, whatever happens in between. */
import type { KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { EncodedEvent, ListerWatcher, StreamOptions, StreamReader } from '../client/lister-watcher.js';
import { BackOff } from '../kit/back-off.js';
import type { Clock } from '../kit/clock.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import { Pacer } from '../kit/pacer.js';
import type { Random } from '../kit/random.js';
import { sleep } from '../kit/sleep.js';
import {
  initialState,
  type Listing,
  type ListMode,
  type ReflectorEvent,
  type ReflectorInput,
  type ReflectorState,
  step,
  type Streaming,
  type Watching,
} from './reflector-state.js';

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly reader: StreamReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly selector?: StreamOptions | undefined;
  /**
   * How the state is asked for: by a list in one piece or in pages, or by a watch that begins with it (`sendInitialEvents`). A list
   * that breaks off is tried the other way, and a server that can't stream its state is asked for a list.
   *
   * @defaultValue `'whole'`: what costs the server and us the least
   */
  readonly list?: ListMode | undefined;
  /** Objects per page of a list in pages. @defaultValue 500, as client-go */
  readonly pageSize?: number | undefined;
  /** Milliseconds without a byte after which a watch counts as dead. @defaultValue 90,000: bookmarks come once a minute */
  readonly idleTimeout?: number | undefined;
  readonly log?: Logger | undefined;
}

/** Milliseconds. The numbers of client-go's reflector; jitter doubles each delay at most. */
const BACK_OFF = { start: 800, cap: 30_000, factor: 2, jitter: 1 };
/** Seconds that a watch is asked to live, spread so that a fleet doesn't reopen at once. Below the 240 s after which load balancers cut. */
const WATCH_LIFE = { from: 150, to: 230 };

/** What {@link Reflector.run} tells. What it returns is waited for before the next event. */
export type ReflectorListener<T extends KubernetesObject> = (
  event: ReflectorEvent<T>,
) => void | Promise<void>;

/** Applies an input to the state, and tells of what that means. Returns the phase that follows. */
type Advance<T extends KubernetesObject> = (input: ReflectorInput<T>) => Promise<ReflectorState['phase']>;

/**
 * Follows the objects of one resource.
 *
 * Guarantees: the listener that applies all events has, in the end, what the server has. A version that expired is listed anew at once;
 * a watch that ends goes on from its last version; failures back off from 0.8 s to 30 s (up to twice that by jitter), and from the start
 * again after a calm minute. The event loop is not blocked: between two chunks of what arrives others have their turn.
 * Assumes: the reader's lists and watches end, by an error or in good order, once their signal has aborted.
 * Errors: none. They come as `failed` events; only the signal ends {@link run}.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #source: ListerWatcher<T>;
  readonly #log: Logger;
  readonly #pageSize: number;
  readonly #idleTimeout: number;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#source = options.reader.stream(options.resource, options.selector);
    this.#log = options.log ?? silentLogger;
    this.#pageSize = options.pageSize ?? 500;
    this.#idleTimeout = options.idleTimeout ?? 90_000;
  }

  /** Lists and watches until `signal` aborts. `listener` is called in order, never after that; what it throws is logged. */
  async run(signal: AbortSignal, listener: ReflectorListener<T>): Promise<void> {
    const { clock, random, list } = this.#options;
    let state: ReflectorState = initialState(new BackOff(BACK_OFF, random), list, clock.monotonic());
    const pacer = new Pacer(clock);
    const advance: Advance<T> = async (input) => {
      const next = step(state, input, clock.monotonic());
      state = next.state;
      for (const event of next.emit) if (!signal.aborted) await this.#tell(listener, event);
      if (pacer.isDue) await pacer.rest();
      return state.phase;
    };
    while (!signal.aborted) await this.#act(state, signal, advance);
  }

  /** Does what the state asks for until it is another, or the signal aborts. */
  async #act(state: ReflectorState, signal: AbortSignal, advance: Advance<T>): Promise<void> {
    switch (state.phase) {
      case 'listing':
        return this.#list(state, signal, advance);
      case 'streaming':
      case 'watching':
        return this.#watch(state, signal, advance);
      case 'backingOff':
        await sleep(this.#options.clock, state.delay, signal);
        if (!signal.aborted) await advance({ type: 'waited' });
    }
  }

  /** One list or page of it. */
  #list(state: Listing, signal: AbortSignal, advance: Advance<T>): Promise<void> {
    const parts = this.#source.list({
      ...(state.asks === 'pages' && { limit: this.#pageSize }),
      ...(state.token && { continue: state.token }),
      signal,
    });
    return this.#read(
      parts,
      signal,
      async (part) => (await advance(part)) === 'listing' && part.type === 'items',
      advance,
    );
  }

  /** One watch from its opening to its end. */
  #watch(state: Streaming | Watching, signal: AbortSignal, advance: Advance<T>): Promise<void> {
    const { random } = this.#options;
    const batches = this.#source.watch({
      ...(state.phase === 'watching' ? { resourceVersion: state.version } : { sendInitialEvents: true }),
      timeoutSeconds: Math.floor(WATCH_LIFE.from + random.next() * (WATCH_LIFE.to - WATCH_LIFE.from)),
      idleTimeout: this.#idleTimeout,
      signal,
    });
    const hear = async (events: readonly EncodedEvent<T>[]): Promise<boolean> => {
      for (const event of events) {
        if (signal.aborted) return false;
        const phase = await advance({ type: 'event', event });
        if (phase !== 'watching' && phase !== 'streaming') return false;
      }
      return true;
    };
    return this.#read(batches, signal, hear, advance);
  }

  /**
   * Reads while `take` wants more. By hand, not `for await`: what is thrown while something is told is no failure of the request.
   * A request that ends or fails is told to `advance`, unless the signal has aborted.
   */
  async #read<P>(
    stream: AsyncIterable<P>,
    signal: AbortSignal,
    take: (part: P) => Promise<boolean>,
    advance: Advance<T>,
  ): Promise<void> {
    const parts = stream[Symbol.asyncIterator]();
    for (;;) {
      let next: IteratorResult<P>;
      try {
        next = await parts.next();
      } catch (error) {
        if (!signal.aborted) await advance({ type: 'failed', error });
        return;
      }
      if (signal.aborted) break;
      if (next.done) return void (await advance({ type: 'ended' }));
      if (!(await take(next.value)) || signal.aborted) break;
    }
    await this.#close(parts);
  }

  async #close(parts: AsyncIterator<unknown>): Promise<void> {
    try {
      await parts.return?.();
    } catch (error) {
      this.#log.debug({ err: error }, 'a request that is no longer wanted failed to close');
    }
  }

  async #tell(listener: ReflectorListener<T>, event: ReflectorEvent<T>): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.#log.error({ err: error, event: event.type }, 'the listener of a reflector threw');
    }
  }
}
