/** Timestamps as the server reads and writes them. */
import { goQuote } from './go-format.js';

/** `Time` has whole seconds, `MicroTime` exactly six digits after them. */
export type TimeFormat = 'Time' | 'MicroTime';

const layouts: Readonly<Record<TimeFormat, readonly string[]>> = {
  Time: ['2006', '-', '01', '-', '02', 'T', '15', ':', '04', ':', '05', 'Z07:00'],
  MicroTime: ['2006', '-', '01', '-', '02', 'T', '15', ':', '04', ':', '05', '.000000', 'Z07:00'],
};

const patterns: Readonly<Record<string, RegExp>> = {
  '2006': /^\d{4}/,
  '01': /^\d\d/,
  '02': /^\d\d/,
  '15': /^\d\d/,
  '04': /^\d\d/,
  '05': /^\d\d/,
  '.000000': /^\.\d{6}/,
  'Z07:00': /^(Z|[+-]\d\d:\d\d)/,
};

export interface ParsedTime {
  /** The same instant in UTC, as the server stores it. */
  readonly normal?: string;
  /** Why it is no time, in the server's words. */
  readonly problem?: string;
}

export function parseTime(text: string, format: TimeFormat): ParsedTime {
  const layout = layouts[format];
  const cannotParse = (rest: string, part: string): ParsedTime => ({
    problem: `parsing time ${goQuote(text)} as ${goQuote(layout.join(''))}: cannot parse ${goQuote(rest)} as ${goQuote(part)}`,
  });
  let rest = text;
  for (const part of layout) {
    const found = (patterns[part] ?? literal(part)).exec(rest)?.[0];
    if (found === undefined) return cannotParse(rest, part);
    rest = rest.slice(found.length);
    if (part === '05' && format === 'Time') rest = rest.replace(/^[.,]\d+/, '');
  }
  if (rest !== '') return { problem: `parsing time ${goQuote(text)}: extra text: ${goQuote(rest)}` };
  const range = outOfRange(text);
  if (range !== undefined) return { problem: `parsing time ${goQuote(text)}: ${range} out of range` };
  return { normal: normalize(text, format) };
}

function literal(part: string): RegExp {
  return part === 'T' ? /^T/ : new RegExp(`^${part}`);
}

function outOfRange(text: string): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (
    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/.exec(text)?.slice(1) ?? []
  ).map(Number);
  if (month < 1 || month > 12) return 'month';
  if (hour > 23) return 'hour';
  if (minute > 59) return 'minute';
  if (second > 59) return 'second';
  return day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate() ? 'day' : undefined;
}

function normalize(text: string, format: TimeFormat): string {
  const seconds = new Date(text.replace(/[.,]\d+/, '')).toISOString().slice(0, 19);
  return format === 'Time' ? `${seconds}Z` : `${seconds}${/\.\d+/.exec(text)?.[0] ?? '.000000'}Z`;
}
