import type { Dispatcher } from 'undici';

/**
 * An interceptor that calls `check` in the tick in which a request is written to its socket. If it throws, nothing is
 * written and the request fails with what was thrown.
 *
 * Everything before that tick (a pool's queue, a handshake, a blocked event loop) may take any time.
 */
export function atSocket(check: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => dispatch(options, new CheckedHandler(handler, check));
}

class CheckedHandler implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #check: () => void;

  constructor(inner: Dispatcher.DispatchHandler, check: () => void) {
    this.#inner = inner;
    this.#check = check;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#check();
    this.#inner.onRequestStart?.(controller, context);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.#inner.onResponseStart?.(...args);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#inner.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#inner.onResponseEnd?.(...args);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#inner.onResponseError?.(controller, error);
  }
}
