/** Differences that are known: a sequence ends there, and counts as known. Each says why it is not worth being the same. */
import { isObject } from './changes.js';
import type { Disagreement } from './difference.js';
import type { Step } from './step.js';

interface Known {
  readonly reason: string;
  matches(step: Step, found: readonly Disagreement[]): boolean;
}

const all: readonly Known[] = [
  {
    reason:
      'a create that is refused because the name is taken: the real server warns of a finalizer’s name all the same',
    matches: (_, found) =>
      found.every(
        ({ path, real }) =>
          path === '/warning' && JSON.stringify(real).includes('domain-qualified finalizer name'),
      ),
  },
  {
    reason:
      'a PUT that ends the life of a role without rules shows the empty list that was sent; nothing is stored',
    matches: ({ resource }, found) =>
      resource === 'roles' &&
      found.every(({ path, embedded }) => path === '/body/rules' && embedded === null),
  },
  {
    reason:
      'of a custom resource that claims another kind, the real server checks and owns the rest in other ways',
    matches: ({ body, subresource }, found) =>
      isObject(body) &&
      body['kind'] === 'Other' &&
      (subresource === 'status' || found.every(({ path }) => path.startsWith('/body/details/causes/'))),
  },
];

/** Why these answers to the step may differ. */
export function knownDifference(step: Step, found: readonly Disagreement[]): string | undefined {
  return all.find((known) => known.matches(step, found))?.reason;
}
