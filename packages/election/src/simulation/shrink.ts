import type { Fault } from './fault.js';
import type { Scenario } from './scenario.js';
import type { Subject } from './subject.js';

/** The same history with as few faults as still break the same promise. */
export async function shrink(
  subject: Subject,
  scenario: Scenario,
  { property, mutation }: { readonly property: string; readonly mutation?: number | undefined },
): Promise<Scenario> {
  const breaks = async (faults: readonly Fault[]): Promise<boolean> => {
    const { violations } = await subject.run({ ...scenario, faults }, { mutation });
    return violations.some((violation) => violation.property === property);
  };
  let { faults } = scenario;
  for (let size = Math.ceil(faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    faults = await withoutChunks(faults, size, breaks);
  return { ...scenario, faults };
}

async function withoutChunks(
  faults: readonly Fault[],
  size: number,
  breaks: (faults: readonly Fault[]) => Promise<boolean>,
): Promise<readonly Fault[]> {
  let rest = faults;
  for (let start = 0; start < rest.length;) {
    const fewer = rest.toSpliced(start, size);
    if (await breaks(fewer)) rest = fewer;
    else start += size;
  }
  return rest;
}
