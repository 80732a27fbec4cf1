import type { LeaseTerm } from '../term/lease-term.js';
import type { Campaign, Win } from './campaign.js';
import type { Observer } from './observer.js';
import type { ReignEnd } from './reign.js';

export interface StepsParts {
  readonly observer: Observer;
  readonly campaign: Campaign;
  /** Leads a term that was won, until it is over and its work has ended. */
  readonly lead: (win: Win, work: (term: LeaseTerm) => Promise<void>) => Promise<ReignEnd>;
  /** One attempt at renewing it. */
  readonly renew: () => Promise<void>;
}

/** An election that goes on one call at a time, for those who have a loop of their own. */
export class Steps {
  readonly #parts: StepsParts;
  #stint: Stint | undefined;
  #stepping: Promise<void> | undefined;

  constructor(parts: StepsParts) {
    this.#parts = parts;
  }

  /** One attempt at acquiring or renewing. Calls that overlap are one. */
  step(): Promise<void> {
    this.#stepping ??= this.#step().finally(() => (this.#stepping = undefined));
    return this.#stepping;
  }

  /** Ends what was won. Resolves to whether the lease is released; false also where none was held. */
  async release(): Promise<boolean> {
    await this.#stepping;
    return (await this.#stint?.end()) ?? false;
  }

  async #step(): Promise<void> {
    if (!this.#stint) return this.#acquire();
    await this.#parts.renew();
    await this.#stint.settle();
  }

  async #acquire(): Promise<void> {
    const { observer, campaign, lead } = this.#parts;
    if (!(await observer.refresh())) return;
    const { win } = await campaign.step();
    if (win) this.#stint = new Stint((work) => lead(win, work).finally(() => (this.#stint = undefined)));
  }
}

/** A term that was won by a step. What is done under it is the caller's: it counts as ended when the caller says so, or the term is lost. */
class Stint {
  readonly #over: Promise<ReignEnd>;
  #endWork: () => void = () => {};
  #lost = false;

  constructor(lead: (work: (term: LeaseTerm) => Promise<void>) => Promise<ReignEnd>) {
    const ended = new Promise<void>((resolve) => {
      this.#endWork = resolve;
    });
    this.#over = lead((term) => {
      term.onChange = () => this.#changed(term);
      return ended;
    });
  }

  async end(): Promise<boolean> {
    this.#endWork();
    return (await this.#over).released;
  }

  /** Resolves at once for a term that is held, and when all is over for one that was lost. */
  async settle(): Promise<void> {
    if (this.#lost) await this.#over;
  }

  #changed({ end }: LeaseTerm): void {
    if (!end) return;
    this.#lost = true;
    this.#endWork();
  }
}
