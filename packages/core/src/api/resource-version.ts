/** An unsigned decimal of any length, as Kubernetes has promised since 1.35; `0` and leading zeros are not versions of objects. */
const COMPARABLE = /^[1-9]\d*$/;

/**
 * Below 0 when `a` is older than `b`, 0 when they are the same, above 0 when newer; `undefined` when the two can't be compared,
 * as with an aggregated API that has versions of its own making.
 *
 * Only versions of one resource on one API server are comparable, and a restored etcd counts from an older one again.
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!COMPARABLE.test(a) || !COMPARABLE.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

/** Whether what was seen at `seen` is at least as new as `version`. False when they can't be compared. */
export function reaches(seen: string | undefined, version: string): boolean {
  if (seen === undefined) return false;
  const order = compareResourceVersions(seen, version);
  return order !== undefined && order >= 0;
}
