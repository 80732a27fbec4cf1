/** Where a command writes: a stream, as far as commands care. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

export type Paint = (style: Style | undefined, text: string) => string;

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** Colours on terminals, unless `NO_COLOR` is set to anything: see no-color.org. */
export function paintFor(
  { isTTY }: Output,
  { NO_COLOR: noColor, TERM: terminal }: Readonly<Record<string, string | undefined>>,
): Paint {
  if (!isTTY || noColor || terminal === 'dumb') return (_, text) => text;
  return (style, text) => {
    if (!style) return text;
    const [on, off] = CODES[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}
