/** Matchers for Kubernetes objects: plain functions, for the `expect.extend` of any runner that is like Jest's. */
import { type ConditionStatus, toHaveCondition } from './condition.js';
import { type EventPattern, toHaveEvent } from './event.js';
import { type OwnershipOptions, toBeOwnedBy } from './owner.js';

/** What `expect(object)` has once {@link matchers} are registered. `R`: what the runner's own matchers return. */
export interface KubernetesMatchers<R> {
  /**
   * `status.conditions` has it. A condition with an `observedGeneration` older than the object does not count.
   *
   * @param status - `'True'` unless given
   * @param reason - any unless given
   */
  toHaveCondition(type: string, status?: ConditionStatus, reason?: string): R;
  /** One of these Events is like that; a string is a reason. Get them by `await environment.eventsOf(object)`. */
  toHaveEvent(event: string | EventPattern): R;
  /** An owner reference leads to this owner, given as the API server answered it. */
  toBeOwnedBy(owner: object, options?: OwnershipOptions): R;
}

export const matchers = { toHaveCondition, toHaveEvent, toBeOwnedBy };
