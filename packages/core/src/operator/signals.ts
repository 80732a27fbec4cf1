/** The one file that listens to the process's signals, and only while an operator that was asked to does. */

export interface SignalOptions {
  /** Such as `['SIGTERM', 'SIGINT']`. */
  readonly signals: readonly NodeJS.Signals[];
  readonly onFirst: (signal: NodeJS.Signals) => void;
  /** @defaultValue from the first signal on they have their default effect again, which is to end the process at once */
  readonly onSecond?: ((signal: NodeJS.Signals) => void) | undefined;
}

/** Listens until it is disposed. */
export function listenToSignals({ signals, onFirst, onSecond }: SignalOptions): Disposable {
  let listener = (signal: NodeJS.Signals): void => first(signal);
  const listen = (): void => signals.forEach((signal) => void process.on(signal, listener));
  const end = (): void => signals.forEach((signal) => void process.off(signal, listener));
  const first = (signal: NodeJS.Signals): void => {
    end();
    if (onSecond) {
      listener = onSecond;
      listen();
    }
    onFirst(signal);
  };
  listen();
  return { [Symbol.dispose]: end };
}
