import { LinkedAbort } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { formatDuration } from '../kit/duration.js';
import { type IncumbentError, isIncumbentError } from '../kit/error.js';
import type { Random } from '../kit/random.js';
import { RequestError } from '../api/errors.js';
import type { CongestionWindow, Place } from './congestion-window.js';
import type { Identification } from './credentials.js';
import type { HttpRequest, HttpResponse } from './exchange.js';
import type { RateLimit } from './rate-limit.js';
import { type Outcome, retryAfterOf, retryDelay } from './retry.js';
import type { Telemetry } from './telemetry.js';

/** What a call needs of its connection. */
export interface Caller {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Aborts when the connection is closed. */
  readonly closing: AbortSignal;
  /** Absent: requests are neither held back nor sent again. */
  readonly patience: Patience | undefined;
  /** At once while it is fresh. */
  identify(): Identification | Promise<Identification>;
  /** The server does not accept it. Resolves with whether there is another one by now. */
  replace(rejected: Identification): Promise<boolean>;
  exchange(request: HttpRequest, identification: Identification): Promise<HttpResponse>;
}

export interface Patience {
  readonly window: CongestionWindow;
  readonly rate: RateLimit | undefined;
}

/** One request of somebody's: its turn, its attempts and the waits between them, all within one timeout and one right. */
export class Call {
  readonly #request: HttpRequest;
  readonly #caller: Caller;
  readonly #deadline: number;
  #place: Place | undefined;
  #replaced = false;

  constructor(request: HttpRequest, caller: Caller) {
    this.#request = request;
    this.#caller = caller;
    this.#deadline = caller.clock.monotonic() + request.timeout;
  }

  async run(): Promise<HttpResponse> {
    const { telemetry } = this.#caller;
    const finished = this.#request.stream ? undefined : telemetry.timed(this.#request.method);
    try {
      const response = await this.#attempts();
      return finished ? { ...response, text: () => response.text().finally(finished) } : response;
    } catch (error) {
      finished?.();
      throw error;
    } finally {
      this.#leave();
    }
  }

  async #attempts(): Promise<HttpResponse> {
    const { patience, telemetry } = this.#caller;
    for (let retries = 0; ; retries++) {
      if (patience) await this.#enter(patience);
      const identification = await this.#identification();
      const outcome = await this.#attempt(identification);
      this.#note(outcome);
      const delay = await this.#delay(outcome, { identification, retries });
      if (delay === undefined) return unwrap(outcome);
      telemetry.retried(this.#request.method, statusOf(outcome));
      if (patience?.window.isOverfull) this.#leave();
      // Read to its end, the answer leaves its socket to the next attempt.
      if ('response' in outcome) await outcome.response.text().catch(() => {});
      if (delay > 0) await this.#sleep(delay);
    }
  }

  async #enter({ window, rate }: Patience): Promise<void> {
    if (this.#place) window.renew(this.#place);
    else this.#place = window.tryEnter() ?? (await this.#placeIn(window));
    if (rate) await this.#turn(rate);
  }

  #leave(): void {
    if (this.#place) this.#caller.patience?.window.leave();
    this.#place = undefined;
  }

  async #attempt(identification: Identification): Promise<Outcome> {
    const timeout = Math.max(this.#deadline - this.#caller.clock.monotonic(), 0);
    try {
      return { response: await this.#caller.exchange({ ...this.#request, timeout }, identification) };
    } catch (error) {
      if (isIncumbentError(error)) return { error };
      throw error;
    }
  }

  #note(outcome: Outcome): void {
    // A right that was lost kept the request in: there was none.
    if ('error' in outcome && !('sent' in outcome.error)) return;
    this.#caller.telemetry.answered(this.#request.method, statusOf(outcome));
    const window = this.#caller.patience?.window;
    if (!window || !this.#place || !('response' in outcome)) return;
    if (outcome.response.status !== 429) window.answered();
    // Without Retry-After it is about the object, as when a disruption budget forbids an eviction.
    else if (retryAfterOf(outcome.response) !== undefined) window.refused(this.#place);
  }

  /** Until the next attempt. A wait that would outlast the time or the right is none: the answer is given as it is. */
  async #delay(
    outcome: Outcome,
    { identification, retries }: { readonly identification: Identification; readonly retries: number },
  ): Promise<number | undefined> {
    const { caller, method } = { caller: this.#caller, method: this.#request.method };
    if (statusOf(outcome) === 401) {
      if (this.#replaced) return undefined;
      this.#replaced = true;
      return (await this.#within(caller.replace(identification))) ? 0 : undefined;
    }
    if (!caller.patience) return undefined;
    const delay = retryDelay(method, outcome, { retries, random: caller.random });
    return delay !== undefined && delay < this.#left() ? delay : undefined;
  }

  async #placeIn(window: CongestionWindow): Promise<Place> {
    const from = this.#caller.clock.monotonic();
    const place = await this.#until<Place>((enter) => window.whenFree(enter));
    this.#caller.telemetry.heldBack(this.#request.method, this.#caller.clock.monotonic() - from);
    return place;
  }

  async #turn(rate: RateLimit): Promise<void> {
    const wait = rate.take(this.#caller.clock.monotonic());
    this.#caller.telemetry.heldBack(this.#request.method, wait);
    if (wait > this.#left()) throw this.#givenUp();
    if (wait > 0) await this.#sleep(wait);
  }

  #identification(): Identification | Promise<Identification> {
    const identification = this.#caller.identify();
    return identification instanceof Promise ? this.#within(identification) : identification;
  }

  #sleep(delay: number): Promise<void> {
    return this.#until((done) => this.#caller.clock.schedule(delay, () => done(undefined)));
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    return this.#until<Promise<T>>((done) => {
      const settle = (): void => done(promise);
      promise.then(settle, settle);
      return () => {};
    });
  }

  /** Waits for what `begin` calls back with, for as long as caller, right, connection and timeout allow. */
  async #until<T>(begin: (done: (value: T) => void) => () => void): Promise<Awaited<T>> {
    const { authority, signal } = this.#request;
    using abort = new LinkedAbort(signal, authority?.signal, this.#caller.closing);
    let cancel = (): void => {};
    let stopTimer = (): void => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        // Taken back in the same tick: a place that is given to nobody would be lost.
        const giveUp = (): void => (cancel(), reject(this.#givenUp()));
        if (abort.signal.aborted) return giveUp();
        abort.signal.addEventListener('abort', giveUp, { once: true });
        stopTimer = this.#caller.clock.schedule(Math.max(this.#left(), 0), giveUp);
        cancel = begin(resolve);
      });
    } finally {
      stopTimer();
      cancel();
    }
  }

  /** Milliseconds. */
  #left(): number {
    const left = this.#deadline - this.#caller.clock.monotonic();
    return Math.min(left, this.#request.authority?.remaining() ?? left);
  }

  /** Why nothing more is sent. @throws {@link AuthorityLostError} */
  #givenUp(): IncumbentError {
    const { method, path, signal, authority, timeout } = this.#request;
    try {
      authority?.assertHeld();
    } catch (error) {
      if (isIncumbentError(error)) return error;
      throw error;
    }
    if (this.#caller.closing.aborted) return RequestError.closed(`${method} ${path}`, false);
    if (signal?.aborted) return RequestError.aborted(`${method} ${path}`, false, signal.reason);
    return new RequestError(
      'REQUEST_TIMEOUT',
      `${method} ${path}: still waiting for its turn after ${formatDuration(timeout)}: the API server has no room for more (429), the rate limit is too low, or credentials are slow to come.`,
      false,
    );
  }
}

function unwrap(outcome: Outcome): HttpResponse {
  if ('error' in outcome) throw outcome.error;
  return outcome.response;
}

function statusOf(outcome: Outcome): number | undefined {
  return 'response' in outcome ? outcome.response.status : undefined;
}
