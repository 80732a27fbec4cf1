/** Makes a sequence that shows a difference as small as it gets, by leaving out steps, and then parts of what they send. */
import type { Json, JsonObject } from '../conformance/raw-http.js';
import { isObject } from './changes.js';
import type { Sequence } from './sequences.js';
import type { Step } from './step.js';

/** Tries at most this often, since each try is a run on both servers. */
const mostTries = 300;

/** @param stillFails - whether the same difference shows */
export async function shrink(
  sequence: Sequence,
  stillFails: (candidate: Sequence) => Promise<boolean>,
): Promise<Sequence> {
  let tries = 0;
  const fails = async (candidate: Sequence): Promise<boolean> => {
    tries += 1;
    return tries <= mostTries && candidate.length > 0 && stillFails(candidate);
  };
  let smallest = await withoutSteps(sequence, fails);
  for (let at = 0; at < smallest.length; at += 1) smallest = await withSmallerStep(smallest, at, fails);
  return withoutSteps(smallest, fails);
}

type Fails = (candidate: Sequence) => Promise<boolean>;

/** The last first, since what comes after a difference has no part in it. */
async function withoutSteps(sequence: Sequence, fails: Fails): Promise<Sequence> {
  let smallest = sequence;
  for (let at = sequence.length - 1; at >= 0; at -= 1) {
    const candidate = smallest.toSpliced(at, 1);
    if (await fails(candidate)) smallest = candidate;
  }
  return smallest;
}

async function withSmallerStep(sequence: Sequence, at: number, fails: Fails): Promise<Sequence> {
  let smallest = sequence;
  for (let step = sequence[at]; step;) {
    const smaller = await firstOf(smallerSteps(step), async (candidate) =>
      fails(smallest.with(at, candidate)),
    );
    if (smaller) smallest = smallest.with(at, smaller);
    step = smaller;
  }
  return smallest;
}

async function firstOf<T>(items: Iterable<T>, holds: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of items) if (await holds(item)) return item;
  return undefined;
}

function* smallerSteps(step: Step): Iterable<Step> {
  for (const query of smallerValues(step.query)) yield { ...step, query: query as Record<string, string> };
  if (step.body === undefined) return;
  for (const body of smallerValues(step.body)) yield { ...step, body };
}

/** Without one of the parts, at any depth. */
function* smallerValues(value: Json): Iterable<Json> {
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    for (const [at] of items.entries()) yield items.toSpliced(at, 1);
    for (const [at, item] of items.entries()) {
      for (const smaller of smallerValues(item)) yield items.with(at, smaller);
    }
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) yield without(value, key);
    for (const [key, below] of Object.entries(value)) {
      for (const smaller of smallerValues(below ?? null)) yield { ...value, [key]: smaller };
    }
  }
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _left, ...rest } = object;
  return rest;
}
