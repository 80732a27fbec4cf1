/** Faults that strike the events of a watch that is already open. */
import { host } from '../control-plane/host.js';
import type { EventVerdict, Fault, SeenRequest } from './fault.js';
import { RequestFault, type StrikeOptions } from './matching.js';
import type { DelayOptions } from './request-faults.js';

class DelayedEvents extends RequestFault {
  readonly #by: number;

  constructor(by: number, options: StrikeOptions) {
    super(options);
    this.#by = by;
  }

  override async onWatchEvent(request: SeenRequest, lifted: AbortSignal): Promise<undefined> {
    if (this.strikesAt(request)) await host.pause(this.#by, lifted);
  }
}

/** Each event of a watch comes late, in order, and so does the end of the watch. Counts events; so does `times`. */
export function delayWatchEvents({ by = Infinity, ...options }: DelayOptions = {}): Fault {
  return new DelayedEvents(by, options);
}

export interface CutWatchOptions extends StrikeOptions {
  /** How many events of each watch pass first, counted from when the fault is in use. @defaultValue 0 */
  readonly afterEvents?: number;
  /** Half of the next event's line arrives before the connection ends; otherwise nothing of it. @defaultValue true */
  readonly midLine?: boolean;
}

class CutWatch extends RequestFault {
  readonly #afterEvents: number;
  readonly #midLine: boolean;
  readonly #seen = new WeakMap<SeenRequest, number>();

  constructor({ afterEvents = 0, midLine = true, ...options }: CutWatchOptions) {
    super(options);
    this.#afterEvents = afterEvents;
    this.#midLine = midLine;
  }

  override async onWatchEvent(request: SeenRequest): Promise<EventVerdict | undefined> {
    const seen = this.#seen.get(request) ?? 0;
    this.#seen.set(request, seen + 1);
    if (seen < this.#afterEvents || !this.strikesAt(request)) return undefined;
    return { do: 'cut', midLine: this.#midLine };
  }
}

/** Watches break off at an event. Counts watches. */
export function cutWatches(options: CutWatchOptions = {}): Fault {
  return new CutWatch(options);
}
