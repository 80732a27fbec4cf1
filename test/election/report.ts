/** A campaign's report in words and figures. */
import { type CampaignReport, RESTART } from './campaign.js';
import { DISTURBANCES } from './disturbances.js';

export function describeReport({ plan, results, ...report }: CampaignReport): string {
  const kinds = [...Object.keys(DISTURBANCES), RESTART].filter((kind) =>
    results.some((result) => result.kind === kind),
  );
  const rows = kinds.map((kind) =>
    row(
      kind,
      results.filter((result) => result.kind === kind),
    ),
  );
  const queued = tally(results.flatMap((result) => (result.queued ? [result.queued] : [])));
  return [
    `${plan.server} server, ${plan.elections} elections side by side, seed ${plan.seed}, ${report.seconds.toFixed(0)} s`,
    table([['', 'count', 'p50', 'p99', 'max', 'bound', 'milliseconds counted from ... to'], ...rows]),
    `${report.writes} accepted writes in ${report.terms} terms; writes that failed: ${inWords(report.failures)}`,
    `writes called before a block: ${inWords(queued)}`,
    ...(report.gaps
      ? [`the watch of the writes had ${report.gaps} gaps, filled by the answers that the writers got`]
      : []),
    report.violations.length === 0
      ? 'No violation.'
      : `${report.violations.length} violations:\n${report.violations.join('\n')}`,
    '',
  ].join('\n');
}

function row(kind: string, results: CampaignReport['results']): string[] {
  const sorted = results.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? 0).toFixed(0);
  const bound = (results[0]?.bound ?? 0).toFixed(0);
  const counts = DISTURBANCES[kind]?.counts ?? 'server ready to the first write';
  return [kind, String(sorted.length), at(0.5), at(0.99), at(1), bound, counts];
}

function tally(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of all)
    for (const [key, count] of Object.entries(one)) total[key] = (total[key] ?? 0) + count;
  return total;
}

function inWords(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([key, count]) => `${count} ${key}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column % 6 === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}
