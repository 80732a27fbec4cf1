/** How `incumbent lease watch` shows what it sees: as JSON, as lines that are added, or as a table that is kept up to date. */
import type { TypedLease } from '@incumbent/election';
import type { Output, Paint } from '../terminal/output.js';
import { Table } from '../terminal/table.js';
import { type Change, nameOf } from './lease-book.js';
import { type Columns, cellsOf, stateOf, titlesOf } from './lease-row.js';
import { plainLease, tableOf } from './lease-text.js';

export interface View {
  /** Called for each event, and once a second with no changes. */
  update(leases: readonly TypedLease[], changes: readonly Change[], now: Date): void;
  end(): void;
}

export interface ViewOptions extends Columns {
  readonly output: Output;
  readonly paint: Paint;
}

/** As `kubectl get -w --output-watch-events -o json`, but a line each. */
export class JsonView implements View {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  update(_: readonly TypedLease[], changes: readonly Change[]): void {
    for (const { type, lease } of changes)
      this.#output.write(`${JSON.stringify({ type, object: plainLease(lease) })}\n`);
  }

  end(): void {}
}

/** A line for each change of holder, term or state. Renewals are no news. */
export class LinesView implements View {
  readonly #options: ViewOptions;
  readonly #table: Table;
  readonly #shown = new Map<string, string>();
  #begun = false;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#table = new Table(titlesOf(options), options.paint);
  }

  update(leases: readonly TypedLease[], changes: readonly Change[], now: Date): void {
    const gone = changes.filter(({ type }) => type === 'DELETED').map(({ lease }) => nameOf(lease));
    const news = leases.filter((lease) => this.#isNews(lease, now));
    if (!this.#begun) this.#table.fit(news.map((lease) => cellsOf(lease, now, this.#options)));
    if (!this.#begun && news.length > 0) this.#line(this.#table.header());
    this.#begun ||= news.length > 0;
    for (const lease of news) this.#line(this.#table.row(cellsOf(lease, now, this.#options)));
    for (const name of gone) if (this.#shown.delete(name)) this.#line(`${name} is deleted.`);
  }

  end(): void {}

  #isNews(lease: TypedLease, now: Date): boolean {
    const { holderIdentity, leaseTransitions } = lease.spec ?? {};
    const news = [holderIdentity, leaseTransitions, stateOf(lease, now)].join(' ');
    const isNews = this.#shown.get(nameOf(lease)) !== news;
    this.#shown.set(nameOf(lease), news);
    return isNews;
  }

  #line(text: string): void {
    this.#options.output.write(`${text}\n`);
  }
}

/** Another screen, without cursor and without wrapping: a line too long is cut. */
const ALTERNATE_SCREEN = {
  on: '\u001b[?1049h\u001b[?25l\u001b[?7l',
  off: '\u001b[?7h\u001b[?25h\u001b[?1049l',
};
/** Of a terminal that does not know its size. */
const SCREEN_ROWS = 24;
const TO_TOP = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';

/** Redraws in place, and leaves the last state behind. */
export class ScreenView implements View {
  readonly #options: ViewOptions;
  #last: { readonly leases: readonly TypedLease[]; readonly now: Date } | undefined;

  constructor(options: ViewOptions) {
    this.#options = options;
    options.output.write(ALTERNATE_SCREEN.on);
  }

  update(leases: readonly TypedLease[], _: readonly Change[], now: Date): void {
    this.#last = { leases, now };
    const lines = tableOf(leases, now, this.#options).trimEnd().split('\n');
    const room = Math.max((this.#options.output.rows || SCREEN_ROWS) - 1, 2);
    const shown =
      lines.length > room ? [...lines.slice(0, room - 1), `... and ${lines.length - room + 1} more`] : lines;
    const text = shown.map((line) => `${line}${REST_OF_LINE}\n`).join('');
    this.#options.output.write(`${TO_TOP}${text}${REST_OF_SCREEN}`);
  }

  end(): void {
    const { output } = this.#options;
    output.write(ALTERNATE_SCREEN.off);
    if (this.#last) output.write(tableOf(this.#last.leases, this.#last.now, this.#options));
  }
}
