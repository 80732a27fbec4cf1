// Judges a fleet by the order in which the server accepted its writes: did anybody write who no longer held the Lease, or take it too soon?
//
// Every leader writes its name into a ConfigMap. A write is in order if the last acquisition before it, by resourceVersion, is its writer's
// and no release of it lies between.

/**
 * @typedef {object} Overlap
 * @property {'wrote after its successor had acquired' | 'wrote after its own release' | 'acquired before the lease duration had passed'} what
 * @property {string} who - the identity at fault
 * @property {string | undefined} holder - who held the Lease then
 * @property {string} version
 */

/** Renewals and their takeovers are seen by the same observer; on a real server a watch's delay may make the time between them look shorter. */
const TOLERANCE = { embedded: 5, real: 100 };

/**
 * @param {import('./server.mjs').AcceptedWrite[]} writes - to the Lease and to the ConfigMap of one election
 * @param {import('./lease-history.mjs').LeaseEvent[]} events - of the Lease
 * @param {'embedded' | 'real'} server
 * @returns {{ overlaps: Overlap[], work: number }} `work`: how many writes of leaders were judged
 */
export function judge(writes, events, server) {
  const timeline = [
    ...events,
    ...writes.map(({ version, object }) => ({ kind: 'work', version, holder: object.data?.writer })),
  ]
    .filter(({ kind, holder }) => kind !== 'work' || holder !== undefined)
    .toSorted((a, b) => (a.version < b.version ? -1 : 1));
  const overlaps = [];
  let holder;
  for (const event of timeline) {
    const fault = (what) =>
      overlaps.push({ what, who: event.holder, holder, version: String(event.version) });
    if (event.kind === 'acquired') {
      if (tooSoon(event, TOLERANCE[server])) fault('acquired before the lease duration had passed');
      holder = event.holder;
    } else if (event.kind === 'released') holder = undefined;
    else if (event.kind === 'work' && event.holder !== holder)
      fault(holder ? 'wrote after its successor had acquired' : 'wrote after its own release');
  }
  return { overlaps, work: timeline.filter(({ kind }) => kind === 'work').length };
}

/** A holder's record protects it for its duration after its last change. */
function tooSoon({ at, holder, before }, tolerance) {
  if (!before || before.holder === '' || before.holder === holder) return false;
  return at - before.at < before.duration - tolerance;
}
