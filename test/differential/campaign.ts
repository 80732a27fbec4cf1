/** Many sequences, several at a time, and the account of them. */
import type { Difference, Pair } from './pair.js';
import { sequenceOf } from './sequences.js';
import type { Sequence } from './sequences.js';
import { shrink } from './shrink.js';
import type { Step } from './step.js';

export interface CampaignOptions {
  readonly sequences: number;
  /** Of the first sequence; the next has the next number. */
  readonly seed: number;
  /** @defaultValue 12 sequences at a time */
  readonly concurrency?: number;
  /** How many different differences are made small; the others are only counted. @defaultValue 5 */
  readonly shrunk?: number;
  readonly progress?: (done: number, differences: number) => void;
}

export interface Finding {
  /** Runs just this sequence. */
  readonly seed: number;
  /** Sequences that showed a difference in the same place. */
  readonly times: number;
  readonly sequence: Sequence;
  readonly difference: Difference;
}

export interface Report {
  readonly sequences: number;
  readonly requests: number;
  /** By request and status code, such as `create 201`. */
  readonly answers: ReadonlyMap<string, number>;
  /** Sequences that ended at a known difference, by its reason. */
  readonly known: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

export async function runCampaign(pair: Pair, options: CampaignOptions): Promise<Report> {
  const account = new Account();
  const found = new Map<string, Finding>();
  const { sequences, concurrency = 12 } = options;
  await inParallel(sequences, concurrency, async (index, done) => {
    const seed = options.seed + index;
    const sequence = sequenceOf(seed);
    const difference = await pair.run(sequence, (step, status) => account.answered(step, status));
    if (difference?.known !== undefined) account.ended(difference.known);
    else if (difference) note(found, { seed, times: 1, sequence, difference });
    options.progress?.(done, found.size);
  });
  const findings = [...found.values()].sort((a, b) => b.times - a.times);
  await inParallel(Math.min(findings.length, options.shrunk ?? 5), concurrency, async (index) => {
    const finding = findings[index];
    if (finding) findings[index] = await shrinkFinding(pair, finding);
  });
  return { sequences, findings, ...account.result() };
}

async function inParallel(
  count: number,
  concurrency: number,
  run: (index: number, done: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await run(next - 1, (done += 1));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** Differences are the same if a request of the same kind was answered differently in the same places. */
function note(found: Map<string, Finding>, finding: Finding): void {
  const key = signature(finding.sequence, finding.difference);
  const before = found.get(key);
  found.set(key, before ? { ...before, times: before.times + 1 } : finding);
}

function signature(sequence: Sequence, { step, what, disagreements }: Difference): string {
  const { verb, resource, subresource } = sequence[step] ?? { verb: '', resource: '', subresource: '' };
  const places = disagreements
    .slice(0, 3)
    .map(({ path, real, embedded }) =>
      path === '/status'
        ? `${path} ${JSON.stringify(real)} ${JSON.stringify(embedded)}`
        : path.replaceAll(/\/\d+/g, '/0'),
    );
  return [verb, resource, subresource, what, ...places].join(' ');
}

async function shrinkFinding(pair: Pair, finding: Finding): Promise<Finding> {
  const wanted = signature(finding.sequence, finding.difference);
  let { difference } = finding;
  const sequence = await shrink(finding.sequence, async (candidate) => {
    const shown = await pair.run(candidate);
    if (!shown || shown.known !== undefined || signature(candidate, shown) !== wanted) return false;
    difference = shown;
    return true;
  });
  return { ...finding, sequence, difference };
}

class Account {
  readonly #answers = new Map<string, number>();
  readonly #known = new Map<string, number>();
  #requests = 0;

  answered({ verb }: Step, status: number): void {
    this.#requests += 1;
    increase(this.#answers, `${verb} ${status}`);
  }

  ended(reason: string): void {
    increase(this.#known, reason);
  }

  result(): Pick<Report, 'requests' | 'answers' | 'known'> {
    return { requests: this.#requests, answers: this.#answers, known: this.#known };
  }
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
