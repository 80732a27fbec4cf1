import { IncumbentError } from './error.js';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd';

/** Milliseconds as a number, or a number with its unit: `'500ms'`, `'1.5s'`, `'10m'`, `'2h'`, `'7d'`. */
export type Duration = number | `${number}${Unit}`;

const MILLISECONDS: Record<Unit, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The duration in milliseconds.
 *
 * @throws {@link IncumbentError} `DURATION_INVALID` unless finite and not negative
 */
export function milliseconds(duration: Duration): number {
  const value = typeof duration === 'number' ? duration : parse(duration);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new IncumbentError(
    'DURATION_INVALID',
    `"${duration}" is not a duration: write milliseconds as a number, or e.g. "500ms", "15s", "10m".`,
  );
}

function parse(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match ? Number(match[1]) * MILLISECONDS[match[2] as Unit] : Number.NaN;
}

/** For people: `'350ms'`, `'9.8s'`, `'4m'`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const unit = (['d', 'h', 'm', 's'] as const).find((candidate) => ms >= MILLISECONDS[candidate]) ?? 's';
  return `${Math.round((ms / MILLISECONDS[unit]) * 10) / 10}${unit}`;
}
