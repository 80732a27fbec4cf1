/** Faults that strike after the server has applied a request and answered it. */
import { host } from '../control-plane/host.js';
import type { Fault, ResponseVerdict, SeenRequest } from './fault.js';
import { RequestFault, type StrikeOptions } from './matching.js';
import type { DelayOptions, LossOptions } from './request-faults.js';

abstract class ResponseFault extends RequestFault {
  override interceptsResponse(request: SeenRequest): boolean {
    return !request.isWatch && this.wouldStrike(request);
  }
}

class LostResponse extends ResponseFault {
  readonly #seenAs: 'reset' | 'silence';

  constructor({ seenAs = 'reset', ...options }: LossOptions) {
    super(options);
    this.#seenAs = seenAs;
  }

  override async onResponse(request: SeenRequest): Promise<ResponseVerdict | undefined> {
    return this.strikesAt(request) ? { do: this.#seenAs } : undefined;
  }
}

/** The server applies the request and answers, but the client never gets to know. Watches are spared. */
export function loseResponses(options: LossOptions = {}): Fault {
  return new LostResponse(options);
}

class DelayedResponse extends ResponseFault {
  readonly #by: number;

  constructor(by: number, options: StrikeOptions) {
    super(options);
    this.#by = by;
  }

  override async onResponse(request: SeenRequest, lifted: AbortSignal): Promise<undefined> {
    if (this.strikesAt(request)) await host.pause(this.#by, lifted);
  }
}

/** The server applies the request at once, and the client hears of it late. Watches are spared. */
export function delayResponses({ by = Infinity, ...options }: DelayOptions = {}): Fault {
  return new DelayedResponse(by, options);
}
