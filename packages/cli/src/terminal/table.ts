import type { Paint, Style } from './output.js';

export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

const GAP = 3;

/** Columns as kubectl sets them: three spaces between, nothing at the end. Keeps its widths for rows that come later. */
export class Table {
  readonly #titles: readonly string[];
  readonly #paint: Paint;
  #widths: number[];

  constructor(titles: readonly string[], paint: Paint) {
    this.#titles = titles;
    this.#paint = paint;
    this.#widths = titles.map((title) => title.length);
  }

  header(): string {
    return this.row(this.#titles.map((text) => ({ text })));
  }

  /** Makes room for these. */
  fit(rows: readonly (readonly Cell[])[]): void {
    this.#widths = this.#widths.map((width, index) =>
      Math.max(width, ...rows.map((cells) => cells[index]?.text.length ?? 0)),
    );
  }

  row(cells: readonly Cell[]): string {
    const last = cells.length - 1;
    return cells
      .map(({ text, style }, index) => {
        const room = index === last ? 0 : Math.max((this.#widths[index] ?? 0) + GAP - text.length, 1);
        return this.#paint(style, text) + ' '.repeat(room);
      })
      .join('')
      .trimEnd();
  }

  lines(rows: readonly (readonly Cell[])[]): string[] {
    this.fit(rows);
    return [this.header(), ...rows.map((cells) => this.row(cells))];
  }
}
