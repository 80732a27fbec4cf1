/** Whether a follower missed anything: its state and what its handlers were told, against what the server has in the end. */

export interface Version {
  readonly uid: string;
  readonly version: string;
}

/** One call of a handler. */
export interface Told extends Version {
  readonly type: 'added' | 'updated' | 'deleted';
  readonly key: string;
}

export interface Evidence {
  /** By key, from the server itself. */
  readonly server: ReadonlyMap<string, Version>;
  readonly lister: ReadonlyMap<string, Version>;
  /** Every call of a handler, in order. */
  readonly told: readonly Told[];
  /** What those who work by key saw at their last successful look: `undefined` for an object that was not there. */
  readonly looks: Readonly<Record<string, ReadonlyMap<string, string | undefined>>>;
}

/** In sentences; none when nothing was missed. */
export function problemsIn({ server, lister, told, looks }: Evidence): string[] {
  const { last, faults } = replay(told);
  return [
    ...faults,
    ...differences(server, lister, 'the lister'),
    ...differences(server, last, 'the handler'),
    ...Object.entries(looks).flatMap(([who, versions]) => staleLooks(server, { who, versions })),
  ];
}

/** Whom each call leaves alive, and the calls that no sequence of changes explains. */
function replay(told: readonly Told[]): { last: Map<string, Version>; faults: string[] } {
  const last = new Map<string, Version>();
  const faults: string[] = [];
  for (const { type, key, uid, version } of told) {
    const before = last.get(key);
    if (type === 'added' && before) faults.push(`${key} was added although it was there.`);
    if (type !== 'added' && before?.uid !== uid)
      faults.push(`${key} was ${type}, as ${uid}, after ${before?.uid ?? 'nothing'}.`);
    if (type === 'deleted') last.delete(key);
    else last.set(key, { uid, version });
  }
  return { last, faults };
}

function differences(
  server: ReadonlyMap<string, Version>,
  known: ReadonlyMap<string, Version>,
  who: string,
): string[] {
  const keys = [...new Set([...server.keys(), ...known.keys()])];
  return keys.flatMap((key) => {
    const [is, seen] = [server.get(key), known.get(key)];
    if (is?.uid === seen?.uid && is?.version === seen?.version) return [];
    return [`${key} is ${inWords(is)}, ${who} knows ${inWords(seen)}.`];
  });
}

function staleLooks(
  server: ReadonlyMap<string, Version>,
  { who, versions }: { who: string; versions: ReadonlyMap<string, string | undefined> },
): string[] {
  const keys = [...new Set([...server.keys(), ...versions.keys()])];
  return keys.flatMap((key) => {
    const [is, seen] = [server.get(key)?.version, versions.get(key)];
    return is === seen ? [] : [`${key} is ${is ?? 'gone'}, ${who} last saw ${seen ?? 'nothing'}.`];
  });
}

function inWords(version: Version | undefined): string {
  return version ? `${version.version} of ${version.uid}` : 'gone';
}
