import {
  failure,
  type Fields,
  fieldsAt,
  listAt,
  type Match,
  type Matching,
  objectIn,
  word,
} from './matching.js';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/**
 * Whether `status.conditions` has the condition. One whose `observedGeneration` is older than the object speaks of an earlier spec, and
 * does not count.
 */
export function toHaveCondition(
  this: Matching,
  received: unknown,
  type: string,
  status: ConditionStatus = 'True',
  reason?: string,
): Match {
  const object = objectIn(received, 'toHaveCondition', 'a Kubernetes object');
  const conditions = listAt(fieldsAt(object, 'status'), 'conditions');
  const found = conditions.find((condition) => condition['type'] === type);
  const pass =
    found !== undefined &&
    found['status'] === status &&
    (reason === undefined || found['reason'] === reason) &&
    staleness(found, object) === undefined;
  const expected = [type, status, reason].filter((part) => part !== undefined).join(' ');
  const lines = [
    `Expected condition: ${this.isNot ? 'not ' : ''}${this.utils.printExpected(expected)}`,
    `Received conditions:${conditions.length === 0 ? ' none' : ''}`,
    ...conditions.map((condition) => `  ${this.utils.printReceived(told(condition, object))}`),
  ];
  return { pass, message: failure(this, { name: 'toHaveCondition', call: 'condition' }, lines) };
}

function told(condition: Fields, object: Fields): string {
  const head = ['type', 'status', 'reason'].map((key) => word(condition[key])).filter(Boolean);
  const message = word(condition['message']);
  const stale = staleness(condition, object);
  return `${head.join(' ')}${message ? `: ${message}` : ''}${stale ? ` (${stale})` : ''}`;
}

function staleness(condition: Fields, object: Fields): string | undefined {
  const observed = condition['observedGeneration'];
  const generation = fieldsAt(object, 'metadata')['generation'];
  if (typeof observed !== 'number' || typeof generation !== 'number' || observed >= generation)
    return undefined;
  return `of generation ${observed}, the object is at ${generation}`;
}
