/** One observation of an object's state, as in `status.conditions`. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** A word in CamelCase, for programs. */
  reason: string;
  /** A sentence, for people. */
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number | undefined;
}

export type ConditionUpdate = Omit<Condition, 'lastTransitionTime'>;

/** `conditions` with `update` in place of the one of its type. The transition time moves only when the status changes. */
export function setCondition(
  conditions: readonly Readonly<Condition>[] | undefined,
  update: ConditionUpdate,
  now: Date,
): Condition[] {
  const before = conditions?.find((condition) => condition.type === update.type);
  const lastTransitionTime = before?.status === update.status ? before.lastTransitionTime : wholeSeconds(now);
  const others = (conditions ?? []).filter((condition) => condition.type !== update.type);
  return [...others, { ...update, lastTransitionTime }].toSorted((a, b) => a.type.localeCompare(b.type));
}

export function findCondition<C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** `metav1.Time` has no fractions of a second. */
function wholeSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
