/** The account of a campaign as text. */
import type { Finding, Report } from './campaign.js';
import { pathOf } from './resources.js';
import type { Step } from './step.js';

export function describeReport(report: Report): string {
  const { sequences, requests, findings } = report;
  return [
    ...findings.map(describeFinding),
    `Requests by kind and answer:`,
    ...table(report.answers),
    ...[...report.known].map(([reason, times]) => `Known, ended ${times} sequences: ${reason}`),
    `${sequences} sequences, ${requests} requests to each server, ${verdict(findings)}.`,
    '',
  ].join('\n');
}

function verdict(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'no difference';
  const times = findings.reduce((sum, finding) => sum + finding.times, 0);
  return `${findings.length} differences in ${times} sequences`;
}

export function describeFinding({ seed, times, sequence, difference }: Finding): string {
  return [
    `Difference in ${times} sequences; the first: --seed ${seed} --sequences 1. Smallest found:`,
    ...sequence.map((step, index) => `  ${index + 1}. ${describeStep(step)}`),
    `  ${difference.what === 'answer' ? `answer to ${difference.step + 1}` : difference.what}:`,
    ...difference.disagreements
      .slice(0, 8)
      .map(
        ({ path, real, embedded }) =>
          `    ${path}\n      real     ${cut(real)}\n      embedded ${cut(embedded)}`,
      ),
    '',
  ].join('\n');
}

function describeStep({ method, resource, name, subresource, query, contentType, body }: Step): string {
  const path = pathOf('$namespace', resource, name, subresource);
  const search = Object.entries(query).map(([key, value]) => `${key}=${value}`);
  return [
    method,
    search.length === 0 ? path : `${path}?${search.join('&')}`,
    ...(contentType === undefined ? [] : [contentType]),
    ...(body === undefined ? [] : [JSON.stringify(body)]),
  ].join(' ');
}

function cut(value: unknown): string {
  const text = value === undefined ? '(absent)' : JSON.stringify(value);
  return text.length > 500 ? `${text.slice(0, 500)} ...` : text;
}

function table(counts: ReadonlyMap<string, number>): readonly string[] {
  const byVerb = new Map<string, string[]>();
  for (const [key, times] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [, verb = '', status = ''] = /^(.*) (\d+)$/.exec(key) ?? [];
    byVerb.set(verb, [...(byVerb.get(verb) ?? []), `${status}: ${times}`]);
  }
  return [...byVerb].map(([verb, answers]) => `  ${verb.padEnd(17)}${answers.join('  ')}`);
}
