// Numbers for people: quantiles of a sample, and tables.

/** The smallest value below which at least this share of the sample lies. */
export function quantile(sample, share) {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)];
}

/** The lower one of the two in the middle, where there are two. */
export function median(sample) {
  return quantile(sample, 0.5);
}

export function summary(sample) {
  if (sample.length === 0) return undefined;
  const [min, p50, p99, max] = [0, 0.5, 0.99, 1].map((share) => quantile(sample, share));
  return { count: sample.length, min, p50, p99, max };
}

/** Columns of equal width; the first is set left, the others right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('   ');
  return rows.map(line).join('\n');
}

export function seconds(ms) {
  if (ms === undefined) return '-';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** Millions of bytes. */
export function megabytes(bytes) {
  return bytes === undefined ? '-' : `${Math.round(bytes / 1e6)} MB`;
}
